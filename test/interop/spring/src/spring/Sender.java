package spring;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.spring.core.RocketMQLocalRequestCallback;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionState;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.springframework.boot.CommandLineRunner;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;

/** Sends to the Nest app in each way that RocketMQTemplate has. */
@Component
public class Sender implements CommandLineRunner {
    /** A cold JVM on a busy machine. */
    private static final int PATIENCE_MS = 30_000;
    /** The Nest app sends what is pulled after all else, which may wait for listeners, delays and checks. */
    private static final long PULL_MS = 300_000;
    private final RocketMQTemplate template;

    Sender(RocketMQTemplate template) {
        this.template = template;
    }

    @Override
    public void run(String... args) throws Exception {
        send();
        sendInOrder();
        sendDelayed();
        sendInTransactions();
        ask();
        SpringPeer.print("pulled", Map.of("bodies", pull()));
        SpringPeer.print("sent", Map.of());
    }

    private void send() {
        Message<Order> order = MessageBuilder.withPayload(new Order("o1", 5))
            .setHeader(RocketMQHeaders.KEYS, "k1").setHeader("color", "red").build();
        template.syncSend("to-nest:order", order);
        template.convertAndSend("to-nest:text", "converted ü 漢");
        template.asyncSend("to-nest:text", "asynchronous", new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                SpringPeer.print("callback", Map.of("status", result.getSendStatus().name()));
            }

            @Override
            public void onException(Throwable error) {
                SpringPeer.print("failed", Map.of("error", error.toString()));
            }
        });
        template.sendOneWay("to-nest:text", "one way");
        List<Message<String>> batch = Arrays.asList("batch 1", "batch 2", "batch 3").stream()
            .map(body -> MessageBuilder.withPayload(body).build()).collect(Collectors.toList());
        template.syncSend("to-nest:text", batch);
    }

    private void sendInOrder() {
        for (int at = 0; at < 12; at++) {
            String key = "key-" + at % 3;
            SendResult result = template.syncSendOrderly("to-nest-order", key + "/" + at, key);
            SpringPeer.print("queue", Map.of("key", key, "queueId", result.getMessageQueue().getQueueId()));
        }
    }

    private void sendDelayed() {
        printDelayed("by level");
        template.syncSend("to-nest-delay", MessageBuilder.withPayload("by level").build(), PATIENCE_MS, 2);
        printDelayed("by ms");
        template.syncSendDelayTimeMills("to-nest-delay", "by ms", 1_500);
        printDelayed("by s");
        template.syncSendDelayTimeSeconds("to-nest-delay", "by s", 2);
        printDelayed("by time");
        template.syncSendDeliverTimeMills("to-nest-delay", "by time", System.currentTimeMillis() + 1_500);
    }

    /** Before each send: its delay begins after that. */
    private static void printDelayed(String body) {
        SpringPeer.print("delayed", Map.of("body", body));
    }

    private void sendInTransactions() {
        for (RocketMQLocalTransactionState state : RocketMQLocalTransactionState.values()) {
            Message<String> message = MessageBuilder.withPayload("spring " + state).setHeader(RocketMQHeaders.KEYS, state.name()).build();
            TransactionSendResult result = template.sendMessageInTransaction("to-nest-tx", message, state);
            SpringPeer.print("transaction", Map.of("state", result.getLocalTransactionState().name()));
        }
    }

    private void ask() {
        Order answer = template.sendAndReceive("ask-nest", new Order("q1", 7), Order.class, PATIENCE_MS);
        SpringPeer.print("answer", Map.of("id", answer.id, "amount", answer.amount, "createdAt", answer.createdAt.toString()));
        String text = template.sendAndReceive("ask-nest-text", "question ü", String.class, PATIENCE_MS);
        SpringPeer.print("text answer", Map.of("text", text));
        String inOrder = template.sendAndReceive("ask-nest-text", "in order", String.class, "key-1", PATIENCE_MS);
        SpringPeer.print("text answer", Map.of("text", inOrder));
        template.sendAndReceive("ask-nest-text", "later", new RocketMQLocalRequestCallback<String>() {
            @Override
            public void onSuccess(String reply) {
                SpringPeer.print("text answer", Map.of("text", reply));
            }

            @Override
            public void onException(Throwable error) {
                SpringPeer.print("failed", Map.of("error", error.toString()));
            }
        }, PATIENCE_MS);
    }

    /** What the Nest app sends once this app pulls: its group begins at the end of the topic. */
    private List<String> pull() {
        template.receive(String.class, 1_000);
        SpringPeer.print("pulling", Map.of());
        long end = System.currentTimeMillis() + PULL_MS;
        List<String> bodies = Collections.emptyList();
        while (bodies.isEmpty() && System.currentTimeMillis() < end) bodies = template.receive(String.class, 1_000);
        return bodies;
    }
}
