package peer;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Consumers on a cluster that loses a master, until the process is ended. System properties name their topics and groups:
 * topic.steady, group.steady, topic.ordered, group.ordered; default.group is one more group of topic.steady, with Java's own
 * intervals. A message "fail-..." fails once. A message "begin-..." of the steady topic begins a transaction on topic.ended at broker-a.
 */
final class ReplicaScenario {
    private static final String MASTER = "broker-a";
    private static final int DEFAULT_POLL_MS = 30_000;

    private final Run run;
    private TransactionMQProducer producer;

    private ReplicaScenario(Run run) {
        this.run = run;
    }

    static void run(Run run) throws Exception {
        new ReplicaScenario(run).consume();
    }

    private void consume() throws Exception {
        if (System.getProperty("topic.ended") != null) producer = run.transactionProducer(new Undecided());
        start("steady", run.pushConsumer(System.getProperty("group.steady")));
        if (System.getProperty("group.ordered") != null) start("ordered", run.pushConsumer(System.getProperty("group.ordered")));
        if (System.getProperty("group.default") != null) {
            DefaultMQPushConsumer consumer = run.pushConsumer(System.getProperty("group.default"));
            consumer.setPollNameServerInterval(DEFAULT_POLL_MS);
            consumer.setHeartbeatBrokerInterval(DEFAULT_POLL_MS);
            consumer.setInstanceName("default");
            start("default", consumer);
        }
        run.emit("started");
        new CountDownLatch(1).await();
    }

    private void start(String what, DefaultMQPushConsumer consumer) throws Exception {
        boolean ordered = what.equals("ordered");
        consumer.subscribe(System.getProperty(ordered ? "topic.ordered" : "topic.steady"), "*");
        // Each of two members has queues of each broker.
        consumer.setAllocateMessageQueueStrategy(new AllocateMessageQueueAveragelyByCircle());
        if (ordered) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                print(what, messages);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                print(what, messages);
                for (MessageExt message : messages) {
                    String body = Text.of(message.getBody());
                    if (body.startsWith("fail-") && message.getReconsumeTimes() == 0) {
                        context.setDelayLevelWhenNextConsume(1);
                        return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                    }
                    // This group alone has all queues.
                    if (body.startsWith("begin-") && what.equals("default")) begin(body);
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        consumer.start();
    }

    private void print(String what, List<MessageExt> messages) {
        for (MessageExt message : messages) {
            run.emit("took", "what", what, "body", Text.of(message.getBody()), "brokerName", message.getBrokerName(),
                "queueId", message.getQueueId(), "queueOffset", message.getQueueOffset());
        }
    }

    /** Until one is at the master that is about to be killed. */
    private void begin(String body) {
        try {
            for (int i = 0; ; i++) {
                Message message = new Message(System.getProperty("topic.ended"), Text.bytes("java-" + body + "-" + i));
                TransactionSendResult result = producer.sendMessageInTransaction(message, null);
                boolean there = result.getMessageQueue().getBrokerName().equals(MASTER);
                run.emit("begun", "body", Text.of(message.getBody()), "status", result.getSendStatus().name(), "there", there);
                if (there) return;
            }
        } catch (Exception e) {
            run.emit("refused", "error", e.toString());
        }
    }

    /** Does not know, and commits when it is asked. */
    private final class Undecided implements TransactionListener {
        private final AtomicInteger asked = new AtomicInteger();

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
            return LocalTransactionState.UNKNOW;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            run.emit("asked", "body", Text.of(message.getBody()), "times", asked.incrementAndGet());
            return LocalTransactionState.COMMIT_MESSAGE;
        }
    }
}
