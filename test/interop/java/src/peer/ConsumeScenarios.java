package peer;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The ways of consuming. */
final class ConsumeScenarios {
    private static final int MAX_RECONSUME_TIMES = 2;
    private static final int ORDERS = 3;
    private static final int STEPS = 4;

    private ConsumeScenarios() {
    }

    static void tags(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int round = 0; round < 3; round++) {
            for (String tag : new String[] {"TagA", "TagB", "TagC", ""}) {
                producer.send(new Message(run.topic(), tag, Text.bytes("tags-" + tag + "-" + round)));
            }
        }
        new Reader(run, run.named("reader"), run.topic(), "TagA || TagB").take(6);
    }

    /** One message fails once, one always; the second must end in the dead letter queue. */
    static void retry(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (String body : new String[] {"good", "fails-once", "poison"}) {
            Message message = new Message(run.topic(), "TagR", "key-" + body, Text.bytes(body));
            message.putUserProperty("trace", body);
            run.emitSent(message, producer.send(message));
        }
        String group = run.named("group");
        DefaultMQPushConsumer consumer = run.pushConsumer(group);
        consumer.setMaxReconsumeTimes(MAX_RECONSUME_TIMES);
        consumer.setConsumeMessageBatchMaxSize(1);
        consumer.subscribe(run.topic(), "*");
        AtomicInteger poisonTries = new AtomicInteger();
        AtomicInteger otherSuccesses = new AtomicInteger();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            MessageExt message = messages.get(0);
            String body = Text.of(message.getBody());
            boolean fails = body.equals("poison") || body.equals("fails-once") && message.getReconsumeTimes() == 0;
            run.emitMessage("consumed", message, "result", fails ? "RECONSUME_LATER" : "CONSUME_SUCCESS");
            (body.equals("poison") ? poisonTries : otherSuccesses).incrementAndGet();
            return fails ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Until.holds("all tries", () -> poisonTries.get() > MAX_RECONSUME_TIMES && otherSuccesses.get() >= 3);
        run.emitMessage("dead", firstOf(run, "%DLQ%" + group));
    }

    @SuppressWarnings("deprecation")
    private static MessageExt firstOf(Run run, String topic) throws Exception {
        DefaultMQPullConsumer reader = run.pullConsumer(run.named("dead_reader"));
        Until.holds("a message in " + topic, () -> {
            try {
                return reader.maxOffset(new MessageQueue(topic, brokerName(run, reader), 0)) > 0;
            } catch (org.apache.rocketmq.client.exception.MQClientException notYetCreated) {
                return false;
            }
        });
        MessageQueue queue = new MessageQueue(topic, brokerName(run, reader), 0);
        return reader.pull(queue, "*", 0, 1).getMsgFoundList().get(0);
    }

    @SuppressWarnings("deprecation")
    private static String brokerName(Run run, DefaultMQPullConsumer consumer) throws Exception {
        return Run.queuesOf(consumer, run.topic()).iterator().next().getBrokerName();
    }

    /** Orders whose steps must be seen in order, the first message of all being refused once. */
    static void orderly(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int step = 0; step < STEPS; step++) {
            for (int order = 0; order < ORDERS; order++) {
                Message message = new Message(run.topic(), Text.bytes("order-" + order + "-step-" + step));
                producer.send(message, (queues, sent, key) -> queues.get((Integer) key % queues.size()), order);
            }
        }
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.setSuspendCurrentQueueTimeMillis(100);
        consumer.subscribe(run.topic(), "*");
        AtomicInteger accepted = new AtomicInteger();
        Set<String> refused = ConcurrentHashMap.newKeySet();
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            MessageExt message = messages.get(0);
            boolean refuse = Text.of(message.getBody()).equals("order-0-step-0") && refused.add(message.getMsgId());
            run.emitMessage("consumed", message, "result", refuse ? "SUSPEND_CURRENT_QUEUE_A_MOMENT" : "SUCCESS");
            if (refuse) {
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            accepted.incrementAndGet();
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Until.holds("all steps", () -> accepted.get() >= ORDERS * STEPS);
    }

    /** A group goes away and comes back: it must get what was sent meanwhile, and nothing twice. */
    static void offsets(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < 8; i++) {
            producer.send(new Message(run.topic(), Text.bytes("before-" + i)));
        }
        Reader first = Reader.ofTopic(run);
        first.take(8);
        first.shutdown();
        run.emit("away");
        for (int i = 0; i < 8; i++) {
            producer.send(new Message(run.topic(), Text.bytes("meanwhile-" + i)));
        }
        Reader.ofTopic(run).take(8);
    }

    @SuppressWarnings("deprecation")
    static void pull(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < 10; i++) {
            producer.send(new Message(run.topic(), i % 2 == 0 ? "even" : "odd", Text.bytes("pull-" + i)));
        }
        DefaultMQPullConsumer consumer = run.pullConsumer(run.named("group"));
        for (MessageQueue queue : Run.queuesOf(consumer, run.topic())) {
            long min = consumer.minOffset(queue);
            long max = consumer.maxOffset(queue);
            long offset = pullAll(run, consumer, queue, min, max);
            Run.storeOffset(consumer, queue, offset);
            PullResult atTheEnd = consumer.pull(queue, "*", offset, 32);
            PullResult odd = consumer.pull(queue, "odd", min, 32);
            run.emit("queue", "queueId", queue.getQueueId(), "min", min, "max", max, "nextOffset", offset,
                "statusAtTheEnd", atTheEnd.getPullStatus().name(),
                "statusBehindTheEnd", consumer.pull(queue, "*", offset + 100, 32).getPullStatus().name(),
                "odd", odd.getPullStatus() == PullStatus.FOUND ? odd.getMsgFoundList().size() : 0,
                "offsetOfNow", consumer.searchOffset(queue, System.currentTimeMillis() + 10_000),
                "offsetOfLongAgo", consumer.searchOffset(queue, 1),
                "earliest", max > min ? consumer.earliestMsgStoreTime(queue) : -1);
        }
        consumer.shutdown();
        DefaultMQPullConsumer next = run.pullConsumer(run.named("group"));
        for (MessageQueue queue : Run.queuesOf(next, run.topic())) {
            run.emit("offset", "queueId", queue.getQueueId(), "offset", next.fetchConsumeOffset(queue, true));
        }
    }

    @SuppressWarnings("deprecation")
    private static long pullAll(Run run, DefaultMQPullConsumer consumer, MessageQueue queue, long min, long max)
        throws Exception {
        long offset = min;
        while (offset < max) {
            PullResult result = consumer.pull(queue, "*", offset, 2);
            for (MessageExt message : result.getMsgFoundList()) {
                run.emitMessage("pulled", message);
            }
            offset = result.getNextBeginOffset();
        }
        return offset;
    }
}
