package peer;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.AckCallback;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PopCallback;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;

/** Consumers in POP mode. The test has made their topics, and set the modes of their groups. */
final class PopScenarios {
    private static final int MESSAGES = 10;
    private static final int FAILURES = 2;
    private static final int TIMEOUT_MS = 30_000;
    /** The client drops what it has not begun by then, and the broker gives it again: the shortest, 5 s, is little on a busy machine. */
    private static final int INVISIBLE_MS = 15_000;

    private PopScenarios() {
    }

    /** Each message fails twice and then succeeds. None comes again when its invisible time is over. */
    static void push(Run run) throws Exception {
        send(run, MESSAGES);
        DefaultMQPushConsumer consumer = consumer(run);
        AtomicInteger successes = new AtomicInteger();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            MessageExt message = messages.get(0);
            boolean fails = message.getReconsumeTimes() < FAILURES;
            run.emitMessage("consumed", message, "fails", fails);
            if (!fails) {
                successes.incrementAndGet();
            }
            return fails ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        // The pauses are 10 s and longer by default.
        Object inner = consumer.getDefaultMQPushConsumerImpl();
        Field field = inner.getClass().getDeclaredField("popDelayLevel");
        field.setAccessible(true);
        int[] pauses = (int[]) field.get(inner);
        pauses[0] = 1;
        pauses[1] = 2;
        consumer.start();
        Until.holds("all successes", () -> successes.get() >= MESSAGES);
        run.emit("all");
        Thread.sleep(INVISIBLE_MS + 3_000);
    }

    /** The same by an orderly listener: the client pulls for it. */
    static void order(Run run) throws Exception {
        send(run, MESSAGES);
        DefaultMQPushConsumer consumer = consumer(run);
        consumer.setSuspendCurrentQueueTimeMillis(100);
        AtomicInteger successes = new AtomicInteger();
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            MessageExt message = messages.get(0);
            boolean fails = message.getReconsumeTimes() < FAILURES;
            run.emitMessage("consumed", message, "fails", fails);
            if (!fails) {
                successes.incrementAndGet();
            }
            return fails ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Until.holds("all successes", () -> successes.get() >= MESSAGES);
    }

    private static DefaultMQPushConsumer consumer(Run run) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("group"));
        consumer.setClientRebalance(false);
        consumer.setPopInvisibleTime(INVISIBLE_MS);
        consumer.setConsumeMessageBatchMaxSize(1);
        consumer.subscribe(run.topic(), "*");
        return consumer;
    }

    private static void send(Run run, int count) throws Exception {
        send(run, count, 0);
    }

    private static void send(Run run, int count, int queueId) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < count; i++) {
            producer.send(new Message(run.topic(), "tag", Text.bytes("pop-" + i)), (queues, message, argument) -> queues.get(queueId), null);
        }
    }

    /** Pops in order, acknowledges, changes times, and acknowledges in a batch, without a consumer. */
    static void raw(Run run) throws Exception {
        send(run, MESSAGES);
        Popper popper = new Popper(run);
        List<MessageExt> first = popper.pop("order-first", true, 2, 60_000);
        popper.pop("order-blocked", true, 2, 60_000);
        popper.ack("order-ack", first.get(0));
        popper.pop("order-still-blocked", true, 2, 60_000);
        popper.ack("order-ack", first.get(1));
        List<MessageExt> second = popper.pop("order-next", true, 2, 60_000);
        popper.ack("order-ack-old", first.get(1));
        popper.changeTime("order-change", second.get(0), 500);
        popper.changeTime("order-change", second.get(1), 500);
        Thread.sleep(1_000);
        List<MessageExt> third = popper.pop("order-again", true, 2, 60_000);
        popper.ack("order-ack-of-before", second.get(0));
        popper.ack("order-ack", third.get(0));
        popper.ack("order-ack", third.get(1));

        // Long enough for what is acknowledged of it, also by a cold JVM.
        List<MessageExt> some = popper.pop("some", false, 4, 10_000);
        popper.ack("ack", some.get(0));
        popper.ack("ack-twice", some.get(0));
        popper.batchAck("batch", some.subList(1, 3));
        popper.pop("rest", false, 32, 60_000);
        popper.popUntil("again", 1, 60_000);
        popper.error("garbage", some.get(0), "garbage");
        popper.error("foreign", some.get(0), "0 1 1000 0 0 another-broker 0 0");
    }

    /** Pops four messages for a longer time than a change of brokers takes, and acknowledges two of them. */
    static void take(Run run) throws Exception {
        send(run, 6);
        send(run, 3, 1);
        Popper popper = new Popper(run);
        List<MessageExt> taken = popper.pop("taken", false, 4, 20_000);
        popper.ack("ack", taken.get(0));
        popper.ack("ack", taken.get(2));
        popper.queueId = 1;
        popper.ack("ack", popper.pop("order-taken", true, 2, 300_000).get(0));
    }

    /** What another broker, or the same one later, gives of it: what was not popped, and what was not acknowledged. */
    static void again(Run run) throws Exception {
        Popper popper = new Popper(run, "poptake");
        popper.queueId = 1;
        popper.pop("order-blocked", true, 2, 60_000);
        popper.queueId = 0;
        popper.popUntil("again", 4, 60_000);
    }

    /** What the client's door for proxies does, without one. */
    private static final class Popper {
        private final Run run;
        private final String group;
        private final String topic;
        private final String brokerName;
        private final String address;
        private final MQClientAPIImpl api;
        int queueId;

        Popper(Run run) throws Exception {
            this(run, "");
        }

        @SuppressWarnings("deprecation")
        Popper(Run run, String scenario) throws Exception {
            this.run = run;
            this.topic = scenario.isEmpty() ? run.topic() : run.ofScenario(scenario, "topic");
            this.group = scenario.isEmpty() ? run.named("group") : run.ofScenario(scenario, "group");
            DefaultMQPullConsumer consumer = run.pullConsumer(run.named("client"));
            MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
            var instance = consumer.getDefaultMQPullConsumerImpl().getRebalanceImpl().getmQClientFactory();
            instance.updateTopicRouteInfoFromNameServer(topic);
            brokerName = queue.getBrokerName();
            address = instance.findBrokerAddressInPublish(brokerName);
            api = instance.getMQClientAPIImpl();
        }

        List<MessageExt> pop(String event, boolean order, int most, long invisibleTime) throws Exception {
            PopMessageRequestHeader header = new PopMessageRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(topic);
            header.setQueueId(queueId);
            header.setMaxMsgNums(most);
            header.setInvisibleTime(invisibleTime);
            header.setInitMode(0);
            header.setBornTime(System.currentTimeMillis());
            header.setPollTime(200);
            header.setExpType("TAG");
            header.setExp("*");
            header.setOrder(order);
            CompletableFuture<PopResult> result = new CompletableFuture<>();
            api.popMessageAsync(brokerName, address, header, TIMEOUT_MS, new PopCallback() {
                @Override
                public void onSuccess(PopResult popped) {
                    result.complete(popped);
                }

                @Override
                public void onException(Throwable error) {
                    result.completeExceptionally(error);
                }
            });
            PopResult popped = result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            List<MessageExt> messages = popped.getMsgFoundList() == null ? new ArrayList<>() : popped.getMsgFoundList();
            List<String> bodies = new ArrayList<>();
            List<Integer> times = new ArrayList<>();
            for (MessageExt message : messages) {
                bodies.add(Text.of(message.getBody()));
                times.add(message.getReconsumeTimes());
            }
            run.emit(event, "bodies", bodies, "times", times, "status", popped.getPopStatus().name(), "rest", popped.getRestNum());
            return messages;
        }

        /** Pops until it has so many. */
        void popUntil(String event, int count, long invisibleTime) throws Exception {
            AtomicInteger found = new AtomicInteger();
            Until.holds(count + " messages", () -> {
                List<MessageExt> messages = pop("try", false, 32, invisibleTime);
                for (MessageExt message : messages) {
                    run.emitMessage(event, message);
                }
                return found.addAndGet(messages.size()) >= count;
            });
            pop("afterwards", false, 32, invisibleTime);
        }

        void ack(String event, MessageExt message) throws Exception {
            emit(event, ackBy(message, message.getProperty(MessageConst.PROPERTY_POP_CK)));
        }

        void error(String event, MessageExt message, String handle) throws Exception {
            try {
                emit(event, ackBy(message, handle));
            } catch (Exception error) {
                run.emit(event, "error", String.valueOf(error.getCause()));
            }
        }

        private CompletableFuture<AckResult> ackBy(MessageExt message, String handle) throws Exception {
            String[] parts = ExtraInfoUtil.split(message.getProperty(MessageConst.PROPERTY_POP_CK));
            AckMessageRequestHeader header = new AckMessageRequestHeader();
            header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
            header.setQueueId(ExtraInfoUtil.getQueueId(parts));
            header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
            header.setConsumerGroup(group);
            header.setExtraInfo(handle);
            Answer answer = new Answer();
            api.ackMessageAsync(address, TIMEOUT_MS, answer, header);
            return answer.result;
        }

        void batchAck(String event, List<MessageExt> messages) throws Exception {
            List<String> handles = new ArrayList<>();
            for (MessageExt message : messages) {
                handles.add(message.getProperty(MessageConst.PROPERTY_POP_CK));
            }
            Answer answer = new Answer();
            api.batchAckMessageAsync(address, TIMEOUT_MS, answer, topic, group, handles);
            emit(event, answer.result);
        }

        void changeTime(String event, MessageExt message, long invisibleTime) throws Exception {
            String handle = message.getProperty(MessageConst.PROPERTY_POP_CK);
            String[] parts = ExtraInfoUtil.split(handle);
            ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
            header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
            header.setQueueId(ExtraInfoUtil.getQueueId(parts));
            header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
            header.setConsumerGroup(group);
            header.setExtraInfo(handle);
            header.setInvisibleTime(invisibleTime);
            Answer answer = new Answer();
            api.changeInvisibleTimeAsync(brokerName, address, header, TIMEOUT_MS, answer);
            emit(event, answer.result);
        }

        private void emit(String event, CompletableFuture<AckResult> result) throws Exception {
            run.emit(event, "status", result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS).getStatus().name());
        }
    }

    private static final class Answer implements AckCallback {
        final CompletableFuture<AckResult> result = new CompletableFuture<>();

        @Override
        public void onSuccess(AckResult answer) {
            result.complete(answer);
        }

        @Override
        public void onException(Throwable error) {
            result.completeExceptionally(error);
        }
    }
}
