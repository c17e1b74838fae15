package peer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;

/** One scenario's run: its names, the clients it has opened, and its lines on standard output. */
final class Run {
    /**
     * How soon a client looks for routes, heartbeats and stores offsets, ms: the defaults of 5 to 30 s only cost time. It may skip
     * its first heartbeat.
     */
    private static final int BRISK_MS = 1000;
    /** The default of 3 s is little on a busy machine. */
    private static final int API_TIMEOUT_MS = 20_000;
    private static final int SEND_TIMEOUT_MS = 20_000;
    /** The topic whose route those have that are not there yet. */
    private static final String CREATES_TOPICS = "TBW102";

    final String nameServer;
    private final String name;
    private final String scenario;
    private final List<Runnable> shutdowns = new ArrayList<>();

    Run(String nameServer, String name, String scenario) {
        this.nameServer = nameServer;
        this.name = name;
        this.scenario = scenario;
    }

    /** This run's topic of the scenario. */
    String topic() {
        return named("topic");
    }

    /** A name that no other run and no other scenario uses. */
    String named(String what) {
        return ofScenario(scenario, what);
    }

    /** A name of another scenario of this run. */
    String ofScenario(String other, String what) {
        return name + "_" + other.replaceAll("-.*", "") + "_" + what;
    }

    DefaultMQProducer producer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(named("producer"));
        start(producer);
        return producer;
    }

    @SuppressWarnings("deprecation")
    DefaultMQProducer producer(String namespace) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(named("producer"));
        producer.setNamespace(namespace);
        start(producer);
        return producer;
    }

    TransactionMQProducer transactionProducer(TransactionListener listener) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(named("transactions"));
        producer.setTransactionListener(listener);
        start(producer);
        return producer;
    }

    /** Clients before 4.9.2 do not have it. */
    private static void setApiTimeout(ClientConfig client) {
        try {
            ClientConfig.class.getMethod("setMqClientApiTimeout", int.class).invoke(client, API_TIMEOUT_MS);
        } catch (ReflectiveOperationException unknown) {
            return;
        }
    }

    void configure(ClientConfig client) {
        client.setNamesrvAddr(nameServer);
        setApiTimeout(client);
        client.setPollNameServerInterval(BRISK_MS);
        client.setHeartbeatBrokerInterval(BRISK_MS);
    }

    private void start(DefaultMQProducer producer) throws Exception {
        configure(producer);
        producer.setSendMsgTimeout(SEND_TIMEOUT_MS);
        producer.start();
        shutdowns.add(producer::shutdown);
        // A send that cannot ask the name server in 3 s has "no route", and is not tried again.
        Until.holds("an answer of the name server", () -> {
            try {
                return !producer.getDefaultMQProducerImpl().fetchPublishMessageQueues(CREATES_TOPICS).isEmpty();
            } catch (MQClientException notYet) {
                return false;
            }
        });
    }

    /** A push consumer that is configured and not yet started; it is shut down at the end of the run. */
    DefaultMQPushConsumer pushConsumer(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        configure(consumer);
        consumer.setPersistConsumerOffsetInterval(BRISK_MS);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        // Without it a shutdown does not wait for a listener that is about to return, and loses its offset.
        consumer.setAwaitTerminationMillisWhenShutdown(5000);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(8);
        shutdowns.add(consumer::shutdown);
        return consumer;
    }

    @SuppressWarnings("deprecation")
    DefaultMQPullConsumer pullConsumer(String group) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        configure(consumer);
        consumer.start();
        shutdowns.add(consumer::shutdown);
        return consumer;
    }

    /** The queues of a topic that exists, as soon as the name server can be asked. */
    @SuppressWarnings("deprecation")
    static Set<MessageQueue> queuesOf(DefaultMQPullConsumer consumer, String topic) throws Exception {
        Set<MessageQueue> queues = new TreeSet<>();
        Until.holds("the queues of " + topic, () -> {
            try {
                return queues.addAll(consumer.fetchSubscribeMessageQueues(topic));
            } catch (MQClientException notYet) {
                return false;
            }
        });
        return queues;
    }

    /** Waits for the broker's answer; the consumer's own door only remembers the offset until somebody persists it. */
    @SuppressWarnings("deprecation")
    static void storeOffset(DefaultMQPullConsumer consumer, MessageQueue queue, long offset) throws Exception {
        consumer.getDefaultMQPullConsumerImpl().getOffsetStore().updateConsumeOffsetToBroker(queue, offset, false);
    }

    void shutdownClients() {
        for (int i = shutdowns.size() - 1; i >= 0; i--) {
            shutdowns.get(i).run();
        }
    }

    void emit(String event, Object... keysAndValues) {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            fields.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        emit(event, fields);
    }

    void emitSent(Message message, SendResult result) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("body", Text.of(message.getBody()));
        fields.put("status", result.getSendStatus().name());
        fields.put("msgId", result.getMsgId());
        fields.put("offsetMsgId", result.getOffsetMsgId());
        fields.put("queueId", result.getMessageQueue().getQueueId());
        fields.put("queueOffset", result.getQueueOffset());
        emit("sent", fields);
    }

    void emitMessage(String event, MessageExt message, Object... more) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("body", Text.of(message.getBody()));
        fields.put("topic", message.getTopic());
        fields.put("msgId", message.getMsgId());
        fields.put("queueId", message.getQueueId());
        fields.put("queueOffset", message.getQueueOffset());
        fields.put("flag", message.getFlag());
        fields.put("sysFlag", message.getSysFlag());
        fields.put("reconsumeTimes", message.getReconsumeTimes());
        fields.put("bornTimestamp", message.getBornTimestamp());
        fields.put("storeTimestamp", message.getStoreTimestamp());
        fields.put("properties", new TreeMap<>(message.getProperties()));
        for (int i = 0; i < more.length; i += 2) {
            fields.put((String) more[i], more[i + 1]);
        }
        emit(event, fields);
    }

    private void emit(String event, Map<String, Object> fields) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("scenario", scenario);
        line.put("event", event);
        line.put("at", System.currentTimeMillis());
        line.putAll(fields);
        String json = RemotingSerializable.toJson(line, false);
        synchronized (System.out) {
            System.out.println(json);
            System.out.flush();
        }
    }
}
