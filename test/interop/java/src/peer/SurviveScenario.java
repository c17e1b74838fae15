package peer;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Sends without a pause while the broker is killed and comes back; every message that was acknowledged must arrive. */
final class SurviveScenario {
    private static final int ACKNOWLEDGED_AFTERWARDS = 100;
    private static final int PAUSE_MS = 20;

    private SurviveScenario() {
    }

    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        producer.setRetryTimesWhenSendFailed(0);
        Set<String> outstanding = new HashSet<>();
        send(run, producer, "opened");
        outstanding.add("opened");
        Reader reader = Reader.ofTopic(run);
        int afterwards = 0;
        boolean refused = false;
        for (int i = 0; afterwards < ACKNOWLEDGED_AFTERWARDS; i++) {
            String body = "survive-" + i;
            try {
                send(run, producer, body);
                outstanding.add(body);
                afterwards += refused ? 1 : 0;
            } catch (Exception e) {
                if (!refused) {
                    run.emit("refused", "body", body, "error", e.toString());
                }
                refused = true;
                // The broker that is starting needs the CPU, too.
                Thread.sleep(PAUSE_MS);
            }
        }
        while (!outstanding.isEmpty()) {
            List<String> bodies = new ArrayList<>();
            for (MessageExt message : reader.take(1)) {
                bodies.add(Text.of(message.getBody()));
            }
            outstanding.removeAll(bodies);
        }
    }

    private static void send(Run run, DefaultMQProducer producer, String body) throws Exception {
        Message message = new Message(run.topic(), Text.bytes(body));
        run.emitSent(message, producer.send(message));
    }
}
