package peer;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Two consumers of one group: they share the queues, and the one that stays takes over those of the one that goes. */
final class ShareScenario {
    private static final int MESSAGES = 40;
    private static final int QUEUES = 4;

    private ShareScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        // A change of owners may bring a message twice.
        Set<String> seen = ConcurrentHashMap.newKeySet();
        // Creates the topic, so that both consumers know its route when they start.
        producer.send(new Message(run.topic(), Text.bytes("first")));

        DefaultMQPushConsumer left = consumer(run, "left", seen);
        left.start();
        DefaultMQPushConsumer right = consumer(run, "right", seen);
        right.start();
        Until.holds("two queues each", () -> MixedScenarios.queuesOf(run, left).size() == QUEUES / 2
            && MixedScenarios.queuesOf(run, right).size() == QUEUES / 2 && seen.size() >= 1);
        run.emit("shared", "left", MixedScenarios.queuesOf(run, left), "right", MixedScenarios.queuesOf(run, right));
        int before = seen.size();
        send(run, producer, "both");
        Until.holds("all messages of the two", () -> seen.size() >= before + MESSAGES);

        right.shutdown();
        Until.holds("all queues at the one left", () -> MixedScenarios.queuesOf(run, left).size() == QUEUES);
        run.emit("alone", "left", MixedScenarios.queuesOf(run, left));
        int beforeAlone = seen.size();
        send(run, producer, "alone");
        Until.holds("all messages of the one", () -> seen.size() >= beforeAlone + MESSAGES);
    }

    private static DefaultMQPushConsumer consumer(Run run, String name, Set<String> seen) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.setInstanceName(name);
        consumer.subscribe(run.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                run.emitMessage("received", message, "consumer", name);
                seen.add(Text.of(message.getBody()));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        return consumer;
    }

    private static void send(Run run, DefaultMQProducer producer, String phase) throws Exception {
        for (int i = 0; i < MESSAGES; i++) {
            Message message = new Message(run.topic(), Text.bytes(phase + "-" + i));
            producer.send(message, (queues, sent, index) -> queues.get((Integer) index % queues.size()), i);
        }
    }
}
