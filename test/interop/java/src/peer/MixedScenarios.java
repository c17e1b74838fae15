package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Together with another client: what one sends the other reads, and both are members of one group. */
final class MixedScenarios {
    private static final int QUEUES = 4;
    private static final int EXCHANGED = 5;
    private static final int LARGE = 50_000;

    private MixedScenarios() {
    }

    /** Sends to the topic "fromJava" and reads the same number of messages of "toJava"; both topics exist. */
    static void exchange(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        String topic = run.named("fromJava");
        Message full = new Message(topic, "TagA", "key1 key2", 7, Text.bytes("full \u00fc \u6f22 \ud83d\ude00"), true);
        full.putUserProperty("colour", "blue = \"\u00fc\"");
        producer.send(full);
        producer.send(new Message(topic, Text.bytes("bare")));
        producer.send(new Message(topic, "large".repeat(LARGE / 5).getBytes()));
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Message message = new Message(topic, "TagB", "batch-key" + i, Text.bytes("batch-" + i));
            message.putUserProperty("index", String.valueOf(i));
            batch.add(message);
        }
        producer.send(batch);
        new Reader(run, run.named("reader"), run.named("toJava"), "*").take(EXCHANGED);
    }

    /** Shares a group with one consumer elsewhere, until each of its queues has said "stop". */
    static void group(Run run) throws Exception {
        CountDownLatch stopped = new CountDownLatch(QUEUES / 2);
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.subscribe(run.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                run.emitMessage("received", message);
                if (Text.of(message.getBody()).equals("stop")) {
                    stopped.countDown();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Until.holds("half of the queues", () -> queuesOf(run, consumer).size() == QUEUES / 2);
        run.emit("shared", "queues", queuesOf(run, consumer));
        stopped.await();
    }

    /** The queues of the scenario's topic that a consumer has been given; the client has no public door to this. */
    static Set<Integer> queuesOf(Run run, DefaultMQPushConsumer consumer) {
        Set<Integer> ids = new TreeSet<>();
        for (MessageQueue queue : consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (queue.getTopic().equals(run.topic())) {
                ids.add(queue.getQueueId());
            }
        }
        return ids;
    }
}
