package peer;

import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** A consumer that polls: it gets the messages with its tag, by LITE_PULL_MESSAGE. */
final class LiteScenario {
    private static final int MESSAGES = 20;

    private LiteScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (int i = 0; i < MESSAGES; i++) {
            producer.send(new Message(run.topic(), i % 2 == 0 ? "even" : "odd", Text.bytes("lite-" + i)));
        }
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(run.named("group"));
        consumer.setNamesrvAddr(run.nameServer);
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
}
