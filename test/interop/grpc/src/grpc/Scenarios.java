package grpc;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.MessageListener;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.SendReceipt;
import org.apache.rocketmq.client.apis.producer.Transaction;
import org.apache.rocketmq.client.apis.producer.TransactionResolution;

/** What the gRPC client does: each method is a scenario, by its name. */
class Scenarios {
    interface Scenario {
        void run(Run run) throws Exception;
    }

    private static final Map<String, Scenario> ALL = Map.of(
        "normal", Scenarios::normal, "fifo", Scenarios::fifo, "delay", Scenarios::delay, "transaction", Scenarios::transaction,
        "retry", Scenarios::retry, "simple", Scenarios::simple, "filter", Scenarios::filter, "exchange", Scenarios::exchange);

    static Scenario byName(String name) {
        return ALL.get(name);
    }

    private static Map<String, FilterExpression> all(String topic) {
        return Collections.singletonMap(topic, FilterExpression.SUB_ALL);
    }

    private static MessageListener printing(Run run, CountDownLatch left) {
        return message -> {
            run.printMessage("received", message);
            left.countDown();
            return ConsumeResult.SUCCESS;
        };
    }

    private static void normal(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(10);
        run.pushConsumer(run.named("group"), all(run.named("topic")), printing(run, left));
        Producer producer = run.producer(run.named("topic"));
        for (int i = 0; i < 10; i++) {
            SendReceipt receipt = producer.send(run.message(run.named("topic"), "body ü 漢 " + i).setTag("tag").setKeys("k1", "k2")
                .addProperty("colour", "red").build());
            run.print("sent", "id", receipt.getMessageId().toString());
        }
        Run.await(left, "10 messages");
    }

    private static void fifo(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(20);
        run.pushConsumer(run.named("group"), all(run.named("topic")), printing(run, left));
        Producer producer = run.producer(run.named("topic"));
        for (int i = 0; i < 20; i++) {
            producer.send(run.message(run.named("topic"), "group-" + i % 2 + "/" + i).setMessageGroup("group-" + i % 2).build());
        }
        Run.await(left, "20 messages");
    }

    private static void delay(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(1);
        run.pushConsumer(run.named("group"), all(run.named("topic")), printing(run, left));
        Producer producer = run.producer(run.named("topic"));
        // Long enough for a cold JVM to send both, and to recall one.
        long due = System.currentTimeMillis() + 12_000;
        SendReceipt recalled = producer.send(run.message(run.named("topic"), "recalled").setDeliveryTimestamp(due).build());
        producer.send(run.message(run.named("topic"), "delayed").setDeliveryTimestamp(due).build());
        run.print("sent", "due", due);
        producer.recallMessage(run.named("topic"), recalled.getRecallHandle());
        Run.await(left, "a delayed message");
        Thread.sleep(1_000);
    }

    private static void transaction(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(2);
        run.pushConsumer(run.named("group"), all(run.named("topic")), printing(run, left));
        Producer producer = run.producer(run.provider.newProducerBuilder().setTransactionChecker(message -> {
            run.printMessage("checked", message);
            return TransactionResolution.COMMIT;
        }), run.named("topic"));
        for (String what : List.of("committed", "rolled back", "undecided")) {
            Transaction transaction = producer.beginTransaction();
            producer.send(run.message(run.named("topic"), what).build(), transaction);
            if (what.equals("committed")) transaction.commit();
            if (what.equals("rolled back")) transaction.rollback();
        }
        Run.await(left, "2 committed messages");
    }

    private static void retry(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(3);
        run.pushConsumer(run.named("group"), all(run.named("topic")), message -> {
            run.printMessage("received", message);
            left.countDown();
            return ConsumeResult.FAILURE;
        });
        run.producer(run.named("topic")).send(run.message(run.named("topic"), "refused").build());
        Run.await(left, "3 attempts");
    }

    private static void simple(Run run) throws Exception {
        String topic = run.named("topic");
        SimpleConsumer consumer = run.closing(run.provider.newSimpleConsumerBuilder().setClientConfiguration(run.configuration)
            .setConsumerGroup(run.named("group")).setAwaitDuration(Duration.ofSeconds(5)).setSubscriptionExpressions(all(topic)).build());
        Producer producer = run.producer(topic);
        for (String body : List.of("acknowledged", "left", "changed")) producer.send(run.message(topic, body).build());
        long begun = System.currentTimeMillis();
        int[] seen = {0};
        while (seen[0] < 5 && System.currentTimeMillis() < begun + 80_000) {
            for (MessageView message : consumer.receive(16, Duration.ofSeconds(15))) {
                run.printMessage("received", message);
                seen[0]++;
                String body = GrpcPeer.bodyOf(message);
                boolean first = message.getDeliveryAttempt() == 1;
                if (body.equals("acknowledged") || !first) consumer.ack(message);
                else if (body.equals("changed")) consumer.changeInvisibleDuration(message, Duration.ofSeconds(2));
            }
        }
        long asked = System.currentTimeMillis();
        run.print("empty", "received", consumer.receive(16, Duration.ofSeconds(10)).size(), "ms", System.currentTimeMillis() - asked);
    }

    private static void filter(Run run) throws Exception {
        String topic = run.named("topic");
        CountDownLatch left = new CountDownLatch(3);
        for (String kind : List.of("tags", "sql")) {
            FilterExpression expression = kind.equals("tags") ? new FilterExpression("a || b", FilterExpressionType.TAG)
                : new FilterExpression("number > 2 AND colour = 'red'", FilterExpressionType.SQL92);
            run.pushConsumer(run.named(kind), Collections.singletonMap(topic, expression), message -> {
                run.printMessage(kind, message);
                left.countDown();
                return ConsumeResult.SUCCESS;
            });
        }
        Producer producer = run.producer(topic);
        for (String tag : List.of("a", "b", "c")) {
            String number = String.valueOf(tag.charAt(0) - 'a' + 1);
            producer.send(run.message(topic, tag).setTag(tag).addProperty("number", number).addProperty("colour", "red").build());
        }
        Run.await(left, "3 messages");
        Thread.sleep(1_000);
    }

    /** Takes what a client of the remoting protocol sends, and sends to it. */
    private static void exchange(Run run) throws Exception {
        CountDownLatch left = new CountDownLatch(3);
        run.pushConsumer(run.named("group"), all(run.named("to-grpc")), printing(run, left));
        Producer producer = run.producer(run.named("from-grpc"));
        List<String> bodies = List.of("one", "two", "three").stream().map(each -> each + " ü 漢").collect(Collectors.toList());
        for (String body : bodies) {
            producer.send(run.message(run.named("from-grpc"), body).setTag("tag").setKeys("key").addProperty("colour", "blue").build());
        }
        run.print("ready");
        Run.await(left, "3 messages");
    }
}
