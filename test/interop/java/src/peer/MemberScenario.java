package peer;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** A member of a group, until the process is ended: prints each listener call as it begins and as it ends. */
final class MemberScenario {
    private static final int CALL_MS = 4;

    private MemberScenario() {
    }

    static void inOrder(Run run) throws Exception {
        stay(run, consumer -> consumer.registerMessageListener((MessageListenerOrderly) (messages, context) ->
            call(messages) ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT));
    }

    static void concurrently(Run run) throws Exception {
        stay(run, consumer -> consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
            call(messages) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER));
    }

    private static void stay(Run run, Consumer<DefaultMQPushConsumer> register) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.subscribe(run.topic(), "*");
        register.accept(consumer);
        consumer.start();
        Runtime.getRuntime().addShutdownHook(new Thread(consumer::shutdown));
        run.emit("started");
        new CountDownLatch(1).await();
    }

    private static boolean call(List<MessageExt> messages) {
        for (MessageExt message : messages) {
            print("begin", message);
            try {
                Thread.sleep(CALL_MS);
            } catch (InterruptedException e) {
                return false;
            }
            print("end", message);
        }
        return true;
    }

    private static void print(String what, MessageExt message) {
        String[] body = Text.of(message.getBody()).split(" ");
        synchronized (System.out) {
            System.out.println("{\"what\":\"" + what + "\",\"at\":" + System.currentTimeMillis() + ",\"queue\":\"" + body[0]
                + "\",\"seq\":" + body[1] + "}");
            System.out.flush();
        }
    }
}
