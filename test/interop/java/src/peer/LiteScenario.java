package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** A consumer that polls: it gets the messages with its tag, by LITE_PULL_MESSAGE; and one that shares a group. */
final class LiteScenario {
    private static final int MESSAGES = 20;
    private static final int QUEUES = 4;

    private LiteScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < MESSAGES; i++) {
            producer.send(new Message(run.topic(), i % 2 == 0 ? "even" : "odd", Text.bytes("lite-" + i)));
        }
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(run.named("group"));
        run.configure(consumer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(run.topic(), "even");
        consumer.start();
        try {
            List<MessageExt> polled = new ArrayList<>();
            Until.holds("all even messages", () -> polled.addAll(consumer.poll(100)) && polled.size() >= MESSAGES / 2);
            for (MessageExt message : polled) {
                run.emitMessage("polled", message);
            }
        } finally {
            consumer.shutdown();
        }
    }

    /** Shares a group with one consumer elsewhere, until each of its queues has said "stop". */
    static void group(Run run) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(run.named("group"));
        consumer.setNamesrvAddr(run.nameServer);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setPersistConsumerOffsetInterval(1000);
        consumer.setAutoCommitIntervalMillis(1000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(run.topic(), "*");
        consumer.start();
        try {
            Until.holds("half of the queues", () -> consumer.assignment().size() == QUEUES / 2);
            run.emit("shared", "queues", queueIdsOf(consumer));
            int stopped = 0;
            while (stopped < QUEUES / 2) {
                for (MessageExt message : consumer.poll(100)) {
                    run.emitMessage("received", message);
                    if (Text.of(message.getBody()).equals("stop")) {
                        stopped++;
                    }
                }
            }
            consumer.commitSync();
            storeOffsets(consumer);
        } finally {
            consumer.shutdown();
        }
    }

    /**
     * Waits for the broker's answers. A shutdown stores them one-way before it leaves the group, and Apache's broker takes these two
     * requests in different threads: whoever gets the queues might read older offsets.
     */
    private static void storeOffsets(DefaultLitePullConsumer consumer) throws Exception {
        OffsetStore store = consumer.getOffsetStore();
        for (MessageQueue queue : consumer.assignment()) {
            store.updateConsumeOffsetToBroker(queue, store.readOffset(queue, ReadOffsetType.READ_FROM_MEMORY), false);
        }
    }

    private static Set<Integer> queueIdsOf(DefaultLitePullConsumer consumer) throws Exception {
        Set<Integer> ids = new TreeSet<>();
        for (MessageQueue queue : consumer.assignment()) {
            ids.add(queue.getQueueId());
        }
        return ids;
    }
}
