package peer;

import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Sends and consumes in a namespace: to "toOurs", and from "toJava", until it is told to stop. */
final class NamespaceScenario {
    private static final String NAMESPACE = "peerns";
    private static final int COUNT = 3;

    private NamespaceScenario() {
    }

    @SuppressWarnings("deprecation")
    static void run(Run run) throws Exception {
        // Two messages, and the one that fails again.
        CountDownLatch stopped = new CountDownLatch(3);
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.setNamespace(NAMESPACE);
        consumer.subscribe(run.named("toJava"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                run.emitMessage("received", message);
                stopped.countDown();
                if (Text.of(message.getBody()).equals("fails once") && message.getReconsumeTimes() == 0) {
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer producer = run.producer(NAMESPACE);
        for (int i = 0; i < COUNT; i++) {
            Message message = new Message(run.named("toOurs"), Text.bytes("java " + i));
            run.emitSent(message, producer.send(message));
        }
        stopped.await();
    }
}
