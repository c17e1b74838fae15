package grpc;

import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.MessageListener;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.ProducerBuilder;

/** One scenario's names, clients and lines. */
class Run {
    interface Body {
        void run() throws Exception;
    }

    /** The default of 3 s is little for the start of eight consumers on a busy machine: whose start takes longer fails. */
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(30);
    /** A refused message comes again after a while, which is longer each time. */
    private static final long PATIENCE_MS = 100_000;
    final ClientServiceProvider provider = ClientServiceProvider.loadService();
    final ClientConfiguration configuration;
    private final String prefix;
    private final String scenario;
    private final Deque<Closeable> clients = new ArrayDeque<>();

    Run(String proxy, String run, String scenario) {
        this.prefix = run + "_" + scenario + "_";
        this.scenario = scenario;
        this.configuration = ClientConfiguration.newBuilder().setEndpoints(proxy).enableSsl(false).setRequestTimeout(REQUEST_TIMEOUT).build();
    }

    String named(String name) {
        return prefix + name;
    }

    void print(String event, Object... fields) {
        GrpcPeer.print(scenario, event, fields);
    }

    void printMessage(String event, MessageView message) {
        GrpcPeer.printMessage(scenario, event, message);
    }

    MessageBuilder message(String topic, String body) {
        return provider.newMessageBuilder().setTopic(topic).setBody(body.getBytes(StandardCharsets.UTF_8));
    }

    Producer producer(ProducerBuilder builder, String... topics) throws Exception {
        return closing(builder.setClientConfiguration(configuration).setTopics(topics).build());
    }

    Producer producer(String... topics) throws Exception {
        return producer(provider.newProducerBuilder(), topics);
    }

    void pushConsumer(String group, Map<String, FilterExpression> subscriptions, MessageListener listener) throws Exception {
        closing(provider.newPushConsumerBuilder().setClientConfiguration(configuration).setConsumerGroup(group)
            .setSubscriptionExpressions(subscriptions).setMessageListener(listener).build());
    }

    <T extends Closeable> T closing(T client) {
        clients.push(client);
        return client;
    }

    static void await(CountDownLatch latch, String what) throws Exception {
        if (!latch.await(PATIENCE_MS, TimeUnit.MILLISECONDS)) throw new IllegalStateException("waited in vain for " + what);
    }

    static void until(BooleanSupplier condition, String what) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE_MS;
        while (!condition.getAsBoolean()) {
            if (System.currentTimeMillis() > end) throw new IllegalStateException("waited in vain for " + what);
            Thread.sleep(10);
        }
    }

    /** Runs the scenario, prints how it ended, and closes its clients: a consumer takes up to 20 s to end its last poll. */
    void end(Body body) {
        try {
            body.run();
            print("done");
        } catch (Throwable error) {
            print("failed", "error", String.valueOf(error));
        }
        for (Closeable client : clients) {
            try {
                client.close();
            } catch (Exception error) {
                print("not closed", "error", String.valueOf(error));
            }
        }
    }
}
