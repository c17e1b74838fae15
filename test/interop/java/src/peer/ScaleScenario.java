package peer;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Two members of a group, under the load of somebody else: a third joins, and then the first stops as Java's shutdown does.
 * Prints how many messages came more than once, when each queue has brought its message 'stop'.
 */
final class ScaleScenario {
    private static final int QUEUES = 8;
    private static final int CALL_MS = 150;
    private static final int LOAD_MS = 3000;

    private final Map<String, AtomicInteger> deliveries = new ConcurrentHashMap<>();
    private final CountDownLatch stopped = new CountDownLatch(QUEUES);
    private final Run run;

    private ScaleScenario(Run run) {
        this.run = run;
    }

    static void run(Run run) throws Exception {
        new ScaleScenario(run).scale();
    }

    private void scale() throws Exception {
        DefaultMQPushConsumer first = member("first");
        DefaultMQPushConsumer second = member("second");
        share(List.of(first, second));
        run.emit("ready");
        Thread.sleep(LOAD_MS);
        DefaultMQPushConsumer third = member("third");
        share(List.of(first, second, third));
        Thread.sleep(LOAD_MS);
        run.emit("joined", "twice", twice());
        first.shutdown();
        share(List.of(second, third));
        Thread.sleep(LOAD_MS);
        run.emit("settled");
        stopped.await();
        Thread.sleep(LOAD_MS);
        run.emit("counted", "distinct", deliveries.size(), "twice", twice());
    }

    private int twice() {
        return deliveries.values().stream().mapToInt(count -> count.get() - 1).sum();
    }

    private void share(List<DefaultMQPushConsumer> members) throws Exception {
        Until.holds("all queues shared", () -> {
            int sum = 0;
            for (DefaultMQPushConsumer member : members) {
                int mine = MixedScenarios.queuesOf(run, member).size();
                if (mine < QUEUES / members.size()) return false;
                sum += mine;
            }
            return sum == QUEUES;
        });
    }

    private DefaultMQPushConsumer member(String name) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        // Java's defaults, which the other scenarios shorten.
        consumer.setPersistConsumerOffsetInterval(5000);
        consumer.setHeartbeatBrokerInterval(30_000);
        consumer.setConsumeThreadMin(20);
        consumer.setConsumeThreadMax(20);
        consumer.setAwaitTerminationMillisWhenShutdown(Integer.getInteger("awaitTermination", 0));
        consumer.setInstanceName(name);
        consumer.subscribe(run.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                String body = Text.of(message.getBody());
                int count = deliveries.computeIfAbsent(body, key -> new AtomicInteger()).incrementAndGet();
                if (body.startsWith("stop") && count == 1) stopped.countDown();
            }
            try {
                Thread.sleep(CALL_MS);
            } catch (InterruptedException e) {
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }
}
