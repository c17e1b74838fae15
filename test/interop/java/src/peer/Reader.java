package peer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.MessageExt;

/** A push consumer that accepts everything, prints it as "received" and hands it over in order of arrival. */
final class Reader {
    static final long PATIENCE_MS = 120_000;

    private final BlockingQueue<MessageExt> arrived = new LinkedBlockingQueue<>();
    private final DefaultMQPushConsumer consumer;

    Reader(Run run, String group, String topic, String expression) throws Exception {
        consumer = run.pushConsumer(group);
        consumer.subscribe(topic, expression);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                run.emitMessage("received", message);
                arrived.add(message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
    }

    static Reader ofTopic(Run run) throws Exception {
        return new Reader(run, run.named("reader"), run.topic(), "*");
    }

    /** Waits for the next {@code count} messages. */
    List<MessageExt> take(int count) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        List<MessageExt> taken = new ArrayList<>();
        while (taken.size() < count) {
            MessageExt message = arrived.poll(deadline - System.currentTimeMillis(), TimeUnit.MILLISECONDS);
            if (message == null) {
                throw new TimeoutException("got " + taken.size() + " of " + count + " messages in " + PATIENCE_MS + " ms");
            }
            taken.add(message);
        }
        return taken;
    }

    /** Waits until each of these bodies has come, whatever else comes, and however often. */
    void takeEach(Collection<String> bodies) throws Exception {
        Set<String> missing = new HashSet<>(bodies);
        while (!missing.isEmpty()) {
            missing.remove(Text.of(take(1).get(0).getBody()));
        }
    }

    /** Waits until the next {@code count} messages with this body have come, whatever comes between them. */
    void takeOf(String body, int count) throws Exception {
        for (int taken = 0; taken < count; ) {
            if (Text.of(take(1).get(0).getBody()).equals(body)) {
                taken++;
            }
        }
    }

    void shutdown() {
        consumer.shutdown();
    }
}
