package peer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** SQL92: what each expression gets by pulls, and what a push consumer gets that was there before the messages. */
final class FilterScenario {
    private static final int MESSAGES = 48;
    private static final String[] TAGS = {"TagA", "TagB", "TagC"};
    private static final String[] COLOURS = {"blue", "red", "it's", "\u00fc"};
    private static final String PUSHED = "(TAGS is not null and TAGS in ('TagA','TagB'))";
    private static final String[] EXPRESSIONS = {
        PUSHED, "n > 40", "n BETWEEN 3 AND 9", "n NOT BETWEEN 3 AND 45", "price >= 2.5 AND price < 1e1", "price > n", "colour = 'it''s'",
        "colour <> 'blue'", "colour IS NULL", "colour IS NOT NULL AND NOT (n > 10)", "colour CONTAINS 'e'", "colour NOT STARTSWITH 'b'",
        "TAGS ENDSWITH 'C' OR n = 0", "text > 5", "text = 5", "vip = TRUE", "vip", "missing = 1 OR n < 2", "missing <> 1", "n IN ('1', '01', '2')",
        "KEYS = 'key-7'", "n = 007", "n > 46 whatever stands here",
    };
    private static final String[] WRONG = {"n >", "n >> 5", "NOT n > 10", "n LIKE '1%'", "TAGS IN (1)", "n BETWEEN 9 AND 3", "n = 1 AND 5", "*"};

    private FilterScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        producer.send(new Message(run.topic(), Text.bytes("first")));
        List<String> pushed = Collections.synchronizedList(new ArrayList<>());
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("pushed"));
        consumer.subscribe(run.topic(), MessageSelector.bySql(PUSHED));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> pushed.add(Text.of(message.getBody())));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        for (int n = 0; n < MESSAGES; n++) producer.send(message(run.topic(), n));
        Until.holds("what the expression wants", () -> pushed.size() >= MESSAGES * 2 / TAGS.length);
        run.emit("pushed", "bodies", sorted(pushed));
        pullAll(run);
        for (String expression : WRONG) startWith(run, expression);
    }

    private static Message message(String topic, int n) {
        Message message = new Message(topic, TAGS[n % TAGS.length], "key-" + n, Text.bytes(String.format("m%02d", n)));
        message.putUserProperty("n", String.valueOf(n));
        message.putUserProperty("price", n % 4 == 0 ? "many" : String.valueOf(n / 4.0));
        message.putUserProperty("text", n % 2 == 0 ? "abc" : "" + n);
        if (n % 5 != 0) message.putUserProperty("colour", COLOURS[n % COLOURS.length]);
        if (n % 6 == 0) message.putUserProperty("vip", n % 12 == 0 ? "true" : "TRUE");
        return message;
    }

    @SuppressWarnings("deprecation")
    private static void pullAll(Run run) throws Exception {
        DefaultMQPullConsumer consumer = run.pullConsumer(run.named("pulled"));
        MessageQueue first = Run.queuesOf(consumer, run.topic()).iterator().next();
        Until.holds("the client knows the broker's version", () -> {
            try {
                return consumer.pull(first, MessageSelector.bySql(PUSHED), 0, 1) != null;
            } catch (MQClientException notYet) {
                return false;
            }
        });
        for (String expression : EXPRESSIONS) {
            List<String> bodies = new ArrayList<>();
            for (MessageQueue queue : Run.queuesOf(consumer, run.topic())) {
                long end = consumer.maxOffset(queue);
                for (long offset = consumer.minOffset(queue); offset < end; ) {
                    PullResult result = consumer.pull(queue, MessageSelector.bySql(expression), offset, 32);
                    if (result.getPullStatus() == PullStatus.FOUND) {
                        result.getMsgFoundList().forEach(message -> bodies.add(Text.of(message.getBody())));
                    }
                    offset = result.getNextBeginOffset();
                }
            }
            run.emit("pulled", "expression", expression, "bodies", sorted(bodies));
        }
    }

    private static void startWith(Run run, String expression) throws Exception {
        DefaultMQPushConsumer consumer = run.pushConsumer(run.named("wrong_" + expression.hashCode()));
        consumer.subscribe(run.topic(), MessageSelector.bySql(expression));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
        try {
            consumer.start();
            run.emit("started", "expression", expression);
        } catch (MQClientException e) {
            run.emit("refused", "expression", expression, "code", e.getResponseCode(), "message", String.valueOf(e.getErrorMessage()));
        }
    }

    private static List<String> sorted(List<String> bodies) {
        List<String> copy = new ArrayList<>(bodies);
        Collections.sort(copy);
        return copy;
    }
}
