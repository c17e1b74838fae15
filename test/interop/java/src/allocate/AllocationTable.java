package allocate;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Writes how Apache's own classes divide queues among consumers: test/fixtures/allocation/table.jsonl is its output, and
 * test/interop/allocation-table.test.ts compares the two. A line is
 * [strategy, argument, topic, [[broker name, queues], ...], [client id, ...], [result, ...]]: a result for each different
 * client id, then for one that is not of the group, then for the empty one. It has the indexes of the queues, in the order
 * in which Apache lists them; null: Apache throws.
 */
public final class AllocationTable {
    static final long SEED = 20261127;
    static final int CASES_EACH = 70;
    static final String STRANGER = "r1-stranger";
    static final String[] ROOMS = {"r1", "r2", "r3", "\u6f22", "R1"};
    static final String[] BROKERS = {"broker-a", "broker-b", "broker-C", "Broker-1", "_b", "\u00fcber", "broker-10"};
    static final String[] TOPICS = {"orders", "%RETRY%stock", "NS1%orders", "t"};

    private final Random random = new Random(SEED);
    private final PrintStream out;

    AllocationTable(PrintStream out) {
        this.out = out;
    }

    /** Not to standard output, where the client's logging prints. */
    public static void main(String[] args) throws IOException {
        try (PrintStream out = new PrintStream(args[0], StandardCharsets.US_ASCII)) {
            new AllocationTable(out).print();
        }
    }

    void print() {
        for (int i = 0; i < CASES_EACH; i++) {
            plain("AVG", "null", new AllocateMessageQueueAveragely());
            plain("AVG_BY_CIRCLE", "null", new AllocateMessageQueueAveragelyByCircle());
            int virtualNodes = new int[] {10, 10, 10, 0, 1, 3, 50}[random.nextInt(7)];
            plain("CONSISTENT_HASH", String.valueOf(virtualNodes), new AllocateMessageQueueConsistentHash(virtualNodes));
            config();
            machineRoom();
            nearby("AVG", new AllocateMessageQueueAveragely());
            nearby("AVG_BY_CIRCLE", new AllocateMessageQueueAveragelyByCircle());
            nearby("CONSISTENT_HASH", new AllocateMessageQueueConsistentHash());
        }
    }

    void plain(String name, String argument, AllocateMessageQueueStrategy strategy) {
        row(name, argument, strategy, brokers(BROKERS), clients(false));
    }

    void config() {
        List<Object[]> brokers = brokers(BROKERS);
        List<MessageQueue> queues = queuesOf("orders", brokers);
        List<MessageQueue> mine = new ArrayList<>();
        List<String> indexes = new ArrayList<>();
        for (int i = 0; i < queues.size(); i++) {
            if (random.nextInt(3) > 0) continue;
            mine.add(queues.get(i));
            indexes.add(String.valueOf(i));
        }
        AllocateMessageQueueByConfig strategy = new AllocateMessageQueueByConfig();
        strategy.setMessageQueueList(mine);
        row("CONFIG", "[" + String.join(",", indexes) + "]", strategy, "orders", brokers, clients(false));
    }

    /** Names of brokers say their room: room@broker. Some have no room, or more than one sign. */
    void machineRoom() {
        String[] names = {"r1@a", "r1@b", "r2@a", "r3@a", "plain", "@a", "r2@", "r1@a@", "r1@a@b", "\u6f22@a", "R1@a"};
        Set<String> rooms = new HashSet<>();
        List<String> shown = new ArrayList<>();
        for (String room : ROOMS) {
            if (random.nextBoolean() && rooms.add(room)) shown.add(json(room));
        }
        if (random.nextInt(8) == 0 && rooms.add("")) shown.add(json(""));
        AllocateMessageQueueByMachineRoom strategy = new AllocateMessageQueueByMachineRoom();
        strategy.setConsumeridcs(rooms);
        row("MACHINE_ROOM", "[" + String.join(",", shown) + "]", strategy, brokers(names), clients(false));
    }

    /** Brokers and clients say their room before the first hyphen; a few have none. */
    void nearby(String name, AllocateMessageQueueStrategy inner) {
        List<String> names = new ArrayList<>();
        for (String room : ROOMS) {
            for (int i = 0; i < 3; i++) names.add(room + "-" + i);
        }
        if (random.nextInt(10) == 0) names.add("-0");
        AllocateMachineRoomNearby strategy = new AllocateMachineRoomNearby(inner, new AllocateMachineRoomNearby.MachineRoomResolver() {
            public String brokerDeployIn(MessageQueue queue) {
                return roomOf(queue.getBrokerName());
            }

            public String consumerDeployIn(String clientId) {
                return roomOf(clientId);
            }
        });
        row("MACHINE_ROOM_NEARBY-" + name, "null", strategy, brokers(names.toArray(new String[0])), clients(true));
    }

    static String roomOf(String name) {
        int end = name.indexOf('-');
        return end < 0 ? null : name.substring(0, end);
    }

    void row(String name, String argument, AllocateMessageQueueStrategy strategy, List<Object[]> brokers, List<String> clients) {
        row(name, argument, strategy, TOPICS[random.nextInt(TOPICS.length)], brokers, clients);
    }

    void row(String name, String argument, AllocateMessageQueueStrategy strategy, String topic, List<Object[]> brokers,
        List<String> clients) {
        if (!name.equals(strategy.getName())) throw new IllegalStateException(strategy.getName());
        List<MessageQueue> queues = queuesOf(topic, brokers);
        Set<String> asked = new LinkedHashSet<>(clients);
        asked.add(STRANGER);
        asked.add("");
        List<String> results = new ArrayList<>();
        for (String client : asked) results.add(result(strategy, client, queues, clients));
        List<String> shownBrokers = new ArrayList<>();
        for (Object[] broker : brokers) shownBrokers.add("[" + json((String) broker[0]) + "," + broker[1] + "]");
        List<String> shownClients = new ArrayList<>();
        for (String client : clients) shownClients.add(json(client));
        out.println("[" + json(name) + "," + argument + "," + json(topic) + ",[" + String.join(",", shownBrokers) + "],["
            + String.join(",", shownClients) + "],[" + String.join(",", results) + "]]");
    }

    static String result(AllocateMessageQueueStrategy strategy, String client, List<MessageQueue> queues, List<String> clients) {
        List<String> indexes = new ArrayList<>();
        try {
            for (MessageQueue queue : strategy.allocate("stock", client, queues, clients)) {
                indexes.add(String.valueOf(queues.indexOf(queue)));
            }
        } catch (IllegalArgumentException e) {
            return "null";
        }
        return "[" + String.join(",", indexes) + "]";
    }

    static List<MessageQueue> queuesOf(String topic, List<Object[]> brokers) {
        List<MessageQueue> queues = new ArrayList<>();
        for (Object[] broker : brokers) {
            for (int id = 0; id < (Integer) broker[1]; id++) queues.add(new MessageQueue(topic, (String) broker[0], id));
        }
        queues.sort(null);
        return queues;
    }

    /** Each name once, with 1 to 9 queues; sometimes none at all. */
    List<Object[]> brokers(String[] names) {
        List<Object[]> brokers = new ArrayList<>();
        Set<String> used = new HashSet<>();
        int count = random.nextInt(15) == 0 ? 0 : 1 + random.nextInt(4);
        while (brokers.size() < Math.min(count, names.length)) {
            String name = names[random.nextInt(names.length)];
            if (used.add(name)) brokers.add(new Object[] {name, 1 + random.nextInt(9)});
        }
        return brokers;
    }

    /** Sorted as Apache sorts them; sometimes none, and sometimes one twice. */
    List<String> clients(boolean inRooms) {
        List<String> clients = new ArrayList<>();
        int count = random.nextInt(15) == 0 ? 0 : 1 + random.nextInt(7);
        for (int i = 0; i < count; i++) {
            String id = (random.nextInt(4) == 0 ? "\u6f22" : "") + "10.0.0." + random.nextInt(256) + "@" + random.nextInt(99999);
            boolean homeless = inRooms && random.nextInt(40) == 0;
            clients.add(inRooms && !homeless ? ROOMS[random.nextInt(ROOMS.length)] + "-" + id : id);
        }
        if (count > 1 && random.nextInt(12) == 0) clients.set(0, clients.get(1));
        clients.sort(null);
        return clients;
    }

    static String json(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }
}
