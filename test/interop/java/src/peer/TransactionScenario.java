package peer;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Half messages: commit, rollback, and those that the broker has to ask about. The body names what happens. */
final class TransactionScenario {
    private static final String[] BODIES = {"commit", "rollback", "unknown-commit", "unknown-rollback", "throw-commit"};
    private static final List<String> COMMITTED = List.of("commit", "unknown-commit", "throw-commit");
    private static final List<String> UNKNOWN = List.of("unknown-commit", "unknown-rollback", "throw-commit");
    private static final int QUEUES = 4;

    private TransactionScenario() {
    }

    static void run(Run run) throws Exception {
        Set<String> checked = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = run.transactionProducer(new ByBody(run, checked));
        for (String body : BODIES) {
            Message message = new Message(run.topic(), "TagT", "key-" + body, Text.bytes(body));
            TransactionSendResult result = producer.sendMessageInTransaction(message, "argument of " + body);
            run.emit("sent", "body", body, "status", result.getSendStatus().name(), "msgId", result.getMsgId(),
                "transactionId", result.getTransactionId(), "localState", result.getLocalTransactionState().name());
        }
        Reader reader = Reader.ofTopic(run);
        // A broker that waits long for an answer asks again, and delivers what is committed again.
        reader.takeEach(COMMITTED);
        Until.holds("the checks of all unknown", () -> checked.containsAll(UNKNOWN));
        // Behind these, a rolled back message that is delivered all the same would have been seen.
        for (MessageQueue queue : producer.fetchPublishMessageQueues(run.topic())) {
            producer.send(new Message(run.topic(), Text.bytes("fence")), queue);
        }
        reader.takeOf("fence", QUEUES);
    }

    private static final class ByBody implements TransactionListener {
        private static final Map<String, LocalTransactionState> STATES = Map.of(
            "commit", LocalTransactionState.COMMIT_MESSAGE,
            "rollback", LocalTransactionState.ROLLBACK_MESSAGE);

        private final Run run;
        private final Set<String> checked;

        ByBody(Run run, Set<String> checked) {
            this.run = run;
            this.checked = checked;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            String body = Text.of(message.getBody());
            run.emit("local", "body", body, "argument", argument, "transactionId", message.getTransactionId());
            if (body.startsWith("throw")) {
                throw new IllegalStateException("the local transaction failed half way");
            }
            return STATES.getOrDefault(body, LocalTransactionState.UNKNOW);
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            String body = Text.of(message.getBody());
            run.emitMessage("check", message, "transactionId", message.getTransactionId());
            checked.add(body);
            return body.endsWith("commit") ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
        }
    }
}
