package peer;

import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Asks another client and answers it: requests by call and by callback, and replies. */
final class AskScenarios {
    private static final int TIMEOUT_MS = 30_000;
    /** The broker has to store the message in that time. */
    private static final int SHORT_TIMEOUT_MS = 5_000;
    private static final int LARGE = 50_000;

    private AskScenarios() {
    }

    /** Asks on the topic "toOthers", where somebody answers, and on "nobody", where no one does; both topics exist. */
    static void ask(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        String topic = run.named("toOthers");
        Message full = new Message(topic, "TagA", "key1", 7, Text.bytes("sync \u00fc \u6f22"), true);
        full.putUserProperty("colour", "blue");
        // As an agent of OpenTelemetry writes them.
        full.putUserProperty("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        full.putUserProperty("tracestate", "congo=t61rcWkgMzE");
        emitReply(run, "sync", producer.request(full, TIMEOUT_MS));
        emitReply(run, "large", producer.request(new Message(topic, "large".repeat(LARGE / 5).getBytes()), TIMEOUT_MS));
        CountDownLatch done = new CountDownLatch(1);
        producer.request(new Message(topic, Text.bytes("callback")), new RequestCallback() {
            @Override
            public void onSuccess(Message message) {
                emitReply(run, "callback", message);
                done.countDown();
            }

            @Override
            public void onException(Throwable e) {
                run.emit("error", "error", e.toString());
                done.countDown();
            }
        }, TIMEOUT_MS);
        done.await();
        try {
            emitReply(run, "nobody", producer.request(new Message(run.named("nobody"), Text.bytes("nobody")), SHORT_TIMEOUT_MS));
        } catch (RequestTimeoutException e) {
            run.emit("timeout", "code", e.getResponseCode());
        }
    }

    /** Answers what is asked on the topic "toJava", until it is told to stop. */
    static void answer(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        CountDownLatch stopped = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.subscribe(run.named("toJava"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                run.emitMessage("asked", message);
                try {
                    Message reply = MessageUtil.createReplyMessage(message, answerTo(message));
                    reply.putUserProperty("from", "java");
                    run.emitSent(reply, producer.send(reply, TIMEOUT_MS));
                } catch (Exception e) {
                    run.emit("error", "error", e.toString());
                }
                if (Text.of(message.getBody()).equals("stop")) {
                    stopped.countDown();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        run.emit("ready");
        stopped.await();
    }

    private static byte[] answerTo(MessageExt message) {
        return message.getBody().length == LARGE ? message.getBody() : Text.bytes("re: " + Text.of(message.getBody()));
    }

    /** A reply is made of the header of a push: it has no place in a queue. */
    private static void emitReply(Run run, String asked, Message reply) {
        run.emit("reply", "asked", asked, "body", Text.of(reply.getBody()), "topic", reply.getTopic(), "flag", reply.getFlag(),
            "properties", new java.util.TreeMap<>(reply.getProperties()));
    }
}
