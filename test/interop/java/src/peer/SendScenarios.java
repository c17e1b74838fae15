package peer;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageExt;

/** The ways of sending; every message is read back by a push consumer. */
final class SendScenarios {
    private static final int MESSAGES = 10;
    private static final int DELAYED_LEVELS = 3;
    private static final int COMPRESSIBLE_BYTES = 100_000;
    private static final int INCOMPRESSIBLE_BYTES = 500_000;

    private SendScenarios() {
    }

    static void sync(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < MESSAGES; i++) {
            Message message = message(run, "sync-" + i);
            run.emitSent(message, producer.send(message));
        }
        Reader.ofTopic(run).take(MESSAGES);
    }

    static void async(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        CountDownLatch answered = new CountDownLatch(MESSAGES);
        for (int i = 0; i < MESSAGES; i++) {
            Message message = message(run, "async-" + i);
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    run.emitSent(message, result);
                    answered.countDown();
                }

                @Override
                public void onException(Throwable e) {
                    run.emit("refused", "body", Text.of(message.getBody()), "error", e.toString());
                    answered.countDown();
                }
            });
        }
        if (!answered.await(Reader.PATIENCE_MS, TimeUnit.MILLISECONDS)) {
            throw new TimeoutException(answered.getCount() + " sends have no answer");
        }
        Reader.ofTopic(run).take(MESSAGES);
    }

    static void oneway(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < MESSAGES; i++) {
            producer.sendOneway(message(run, "oneway-" + i));
        }
        Reader.ofTopic(run).take(MESSAGES);
    }

    static void batch(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < MESSAGES; i++) {
            Message message = new Message(run.topic(), "tag" + i, "key" + i, Text.bytes("batch-" + i));
            message.putUserProperty("index", String.valueOf(i));
            messages.add(message);
        }
        SendResult result = producer.send(messages);
        run.emit("sent", "status", result.getSendStatus().name(), "msgId", result.getMsgId(),
            "offsetMsgId", result.getOffsetMsgId(), "queueId", result.getMessageQueue().getQueueId(),
            "queueOffset", result.getQueueOffset());
        Reader.ofTopic(run).take(MESSAGES);
    }

    /** Everything that a user can set on a message, and the two ways to look a message up. */
    static void properties(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        Message message = new Message(run.topic(), "TagA", "key1 key2", 7, Text.bytes("properties ü 漢 😀"), true);
        message.putUserProperty("colour", "blue = \"ü\"");
        message.putUserProperty("quoted", "{\"a\": 1}");
        message.setBuyerId("buyer");
        SendResult result = producer.send(message);
        run.emitSent(message, result);
        Reader.ofTopic(run).take(1);

        run.emitMessage("viewed", producer.viewMessage(run.topic(), result.getOffsetMsgId()));
        for (String key : new String[] {"key1", "key2"}) {
            run.emitMessage("queried", queryOne(run, producer, key), "key", key);
        }
        run.emitMessage("viewed-by-unique-id", producer.viewMessage(run.topic(), result.getMsgId()));
    }

    private static MessageExt queryOne(Run run, DefaultMQProducer producer, String key) throws Exception {
        List<MessageExt> found = new ArrayList<>();
        long dayMs = TimeUnit.DAYS.toMillis(1);
        Until.holds("a message by the key " + key, () -> {
            long now = System.currentTimeMillis();
            try {
                found.addAll(producer.queryMessage(run.topic(), key, 32, now - dayMs, now + dayMs).getMessageList());
            } catch (MQClientException notYetIndexed) {
                return false;
            }
            return !found.isEmpty();
        });
        return found.get(0);
    }

    /** A body that the client compresses, and one that it cannot make smaller. */
    static void large(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        StringBuilder repeated = new StringBuilder();
        while (repeated.length() < COMPRESSIBLE_BYTES) {
            repeated.append("all work and no play makes a dull body ");
        }
        byte[] noise = new byte[INCOMPRESSIBLE_BYTES];
        new Random(7).nextBytes(noise);
        for (byte[] body : new byte[][] {Text.bytes(repeated.toString()), noise}) {
            Message message = new Message(run.topic(), body);
            SendResult result = producer.send(message);
            run.emitSent(new Message(run.topic(), body), result);
        }
        Reader.ofTopic(run).take(2);
    }

    static void delay(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        Message atOnce = message(run, "delay-0");
        run.emitSent(atOnce, producer.send(atOnce));
        Reader reader = Reader.ofTopic(run);
        reader.take(1);
        for (int level = 1; level <= DELAYED_LEVELS; level++) {
            Message message = message(run, "delay-" + level);
            message.setDelayTimeLevel(level);
            run.emitSent(message, producer.send(message));
        }
        reader.take(DELAYED_LEVELS);
    }

    private static Message message(Run run, String body) {
        return new Message(run.topic(), Text.bytes(body));
    }

    /** Messages with times of their own, one of which is recalled. */
    static void timer(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        Message atOnce = message(run, "timer-0");
        run.emitSent(atOnce, producer.send(atOnce));
        Reader reader = Reader.ofTopic(run);
        reader.take(1);
        String first = handle(timed(run, producer, "timer-seconds", "TIMER_DELAY_SEC", 4));
        timed(run, producer, "timer-ms", "TIMER_DELAY_MS", 2600);
        // Recalled before it is due, however slow the machine is.
        String recalled = handle(timed(run, producer, "timer-recalled", "TIMER_DELAY_MS", 9100));
        if (recalled != null) {
            recall(run, producer, "recalled", recalled);
        }
        // Due after it, so that it would have come before.
        long due = System.currentTimeMillis() + 11_200;
        run.emit("due", "ms", due);
        timed(run, producer, "timer-time", "TIMER_DELIVER_MS", due);
        reader.take(recalled == null ? 4 : 3);
        if (first != null) {
            recall(run, producer, "too-late", first);
        }
    }

    private static SendResult timed(Run run, DefaultMQProducer producer, String body, String how, long value) throws Exception {
        Message message = message(run, body);
        MessageAccessor.putProperty(message, how, String.valueOf(value));
        SendResult result = producer.send(message);
        run.emitSent(message, result);
        return result;
    }

    /** Null with a client that knows of no recall. */
    private static String handle(SendResult result) throws Exception {
        try {
            return (String) SendResult.class.getMethod("getRecallHandle").invoke(result);
        } catch (NoSuchMethodException before5) {
            return null;
        }
    }

    private static void recall(Run run, DefaultMQProducer producer, String event, String handle) throws Exception {
        try {
            Object msgId = DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class)
                .invoke(producer, run.topic(), handle);
            run.emit(event, "msgId", msgId, "handle", handle);
        } catch (InvocationTargetException refused) {
            MQBrokerException answer = (MQBrokerException) refused.getCause();
            run.emit(event, "code", answer.getResponseCode(), "remark", answer.getErrorMessage());
        }
    }
}
