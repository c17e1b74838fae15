package grpc;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.apis.message.MessageView;

/**
 * Runs scenarios of Apache's gRPC client, each in a thread of its own, and prints what happens as lines of JSON. Arguments: address of
 * the proxy, beginning of all names, names of scenarios.
 */
public class GrpcPeer {
    public static void main(String[] args) throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        for (int i = 2; i < args.length; i++) {
            String name = args[i];
            Run run = new Run(args[0], args[1], name);
            threads.submit(() -> run.end(() -> Scenarios.byName(name).run(run)));
        }
        threads.shutdown();
        threads.awaitTermination(10, TimeUnit.MINUTES);
        System.exit(0);
    }

    /** @param fields names and values in turn */
    static synchronized void print(String scenario, String event, Object... fields) {
        StringBuilder line = new StringBuilder();
        line.append("{\"scenario\":").append(json(scenario)).append(",\"event\":").append(json(event));
        line.append(",\"at\":").append(System.currentTimeMillis());
        for (int i = 0; i < fields.length; i += 2) line.append(',').append(json(fields[i])).append(':').append(json(fields[i + 1]));
        System.out.println(line.append('}'));
    }

    static void printMessage(String scenario, String event, MessageView message) {
        print(scenario, event, "body", bodyOf(message), "tag", message.getTag().orElse(null),
            "keys", String.join(" ", message.getKeys()), "properties", new TreeMap<>(message.getProperties()),
            "messageGroup", message.getMessageGroup().orElse(null), "attempt", message.getDeliveryAttempt(),
            "id", message.getMessageId().toString());
    }

    static String bodyOf(MessageView message) {
        return StandardCharsets.UTF_8.decode(message.getBody().duplicate()).toString();
    }

    private static String json(Object value) {
        if (value == null || value instanceof Number) return String.valueOf(value);
        if (value instanceof Map) {
            StringBuilder map = new StringBuilder("{");
            ((Map<?, ?>) value).forEach((key, each) -> map.append(map.length() > 1 ? "," : "").append(json(key)).append(':').append(json(each)));
            return map.append('}').toString();
        }
        StringBuilder text = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') text.append('\\').append(c);
            else if (c < ' ') text.append(String.format("\\u%04x", (int) c));
            else text.append(c);
        }
        return text.append('"').toString();
    }
}
