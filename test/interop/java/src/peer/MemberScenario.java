package peer;

import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** A member of an orderly group, until the process is ended: prints each listener call as it begins and as it ends. */
final class MemberScenario {
    private static final int CALL_MS = 4;

    private MemberScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.subscribe(run.topic(), "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                print("begin", message);
                try {
                    Thread.sleep(CALL_MS);
                } catch (InterruptedException e) {
                    return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
                }
                print("end", message);
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Runtime.getRuntime().addShutdownHook(new Thread(consumer::shutdown));
        run.emit("started");
        new CountDownLatch(1).await();
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
