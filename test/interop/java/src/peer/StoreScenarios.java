package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * What one broker writes and another, that opens the same directory later, must serve: "fill" leaves messages, a
 * group's offsets, messages not yet due and half messages behind; "check" reads all of it back.
 */
final class StoreScenarios {
    private static final int MESSAGES = 200;
    private static final int DELAYED = 4;
    private static final int HALF = 3;
    /** The last of the 18 levels; the tests' brokers are configured so that it outlasts the change of broker. */
    private static final int LONGEST_DELAY_LEVEL = 18;

    private StoreScenarios() {
    }

    static void fill(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        // A consumer that starts before its topic exists finds it only much later.
        producer.send(new Message(run.named("half"), Text.bytes("opened")));
        producer.send(new Message(run.named("delayed"), Text.bytes("opened")));
        for (int i = 0; i < MESSAGES; i++) {
            Message message = new Message(run.topic(), "tag" + i % 3, "key" + i, Text.bytes("kept-" + i));
            message.putUserProperty("index", String.valueOf(i));
            run.emitSent(message, producer.send(message));
        }
        storeOffsets(run);
        TransactionMQProducer transactions = run.transactionProducer(
            new Verdict(run, LocalTransactionState.UNKNOW, LocalTransactionState.UNKNOW));
        for (int i = 0; i < HALF; i++) {
            Message message = new Message(run.named("half"), Text.bytes("half-" + i));
            transactions.sendMessageInTransaction(message, null);
            run.emit("half", "body", "half-" + i);
        }
        for (int i = 0; i < DELAYED; i++) {
            Message message = new Message(run.named("delayed"), Text.bytes("delayed-" + i));
            message.setDelayTimeLevel(LONGEST_DELAY_LEVEL);
            producer.send(message);
            run.emit("delayed", "body", "delayed-" + i);
        }
    }

    @SuppressWarnings("deprecation")
    private static void storeOffsets(Run run) throws Exception {
        DefaultMQPullConsumer consumer = run.pullConsumer(run.named("group"));
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(run.topic())) {
            // The first pull makes the group known to the broker, which takes no offsets of others.
            consumer.pull(queue, "*", 0, 1);
            long offset = 10 + queue.getQueueId();
            Run.storeOffset(consumer, queue, offset);
            run.emit("offset", "queueId", queue.getQueueId(), "offset", offset);
        }
        consumer.shutdown();
    }

    @SuppressWarnings("deprecation")
    static void check(Run run) throws Exception {
        Reader delayed = new Reader(run, run.named("delayed_reader"), run.named("delayed"), "*");
        Reader half = new Reader(run, run.named("half_reader"), run.named("half"), "*");
        DefaultMQPullConsumer consumer = run.pullConsumer(run.named("group"));
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(run.topic())) {
            run.emit("offset", "queueId", queue.getQueueId(), "offset", consumer.fetchConsumeOffset(queue, true));
            long max = consumer.maxOffset(queue);
            for (long offset = consumer.minOffset(queue); offset < max; ) {
                var result = consumer.pull(queue, "*", offset, 32);
                for (MessageExt message : result.getMsgFoundList()) {
                    run.emitMessage("pulled", message);
                }
                offset = result.getNextBeginOffset();
            }
        }
        query(run, consumer);
        // The producer of the half messages is gone; whoever joins its group is asked instead of it.
        TransactionMQProducer transactions = run.transactionProducer(
            new Verdict(run, LocalTransactionState.COMMIT_MESSAGE, LocalTransactionState.COMMIT_MESSAGE));
        transactions.send(new Message(run.topic(), Text.bytes("the log goes on")));
        half.take(1 + HALF);
        delayed.take(1 + DELAYED);
    }

    @SuppressWarnings("deprecation")
    private static void query(Run run, DefaultMQPullConsumer consumer) throws Exception {
        long dayMs = TimeUnit.DAYS.toMillis(1);
        for (int i : new int[] {0, MESSAGES / 2, MESSAGES - 1}) {
            List<MessageExt> found = new ArrayList<>();
            Until.holds("key" + i + " in the index", () -> {
                long now = System.currentTimeMillis();
                try {
                    found.addAll(consumer.queryMessage(run.topic(), "key" + i, 8, now - dayMs, now + dayMs).getMessageList());
                } catch (MQClientException notYetIndexed) {
                    return false;
                }
                return !found.isEmpty();
            });
            run.emitMessage("queried", found.get(0), "key", "key" + i);
        }
    }

    /** Says the same of every transaction. */
    private static final class Verdict implements TransactionListener {
        private final Run run;
        private final LocalTransactionState local;
        private final LocalTransactionState checked;

        Verdict(Run run, LocalTransactionState local, LocalTransactionState checked) {
            this.run = run;
            this.local = local;
            this.checked = checked;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return local;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            run.emitMessage("check", message);
            return checked;
        }
    }
}
