package peer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs named scenarios with the unmodified Java client and prints what happened, one JSON object a line.
 *
 * <pre>peer.Peer NAME_SERVER RUN SCENARIO...</pre>
 *
 * RUN sets this run's topics and groups apart from others on the same broker. All scenarios run at once, each
 * on its own clients. Each ends with a line whose event is "done" or "failed"; what the lines should say is
 * judged by the tests that start this program.
 */
public final class Peer {
    private static final Map<String, Scenario> SCENARIOS = new LinkedHashMap<>();

    static {
        SCENARIOS.put("sync", SendScenarios::sync);
        SCENARIOS.put("async", SendScenarios::async);
        SCENARIOS.put("oneway", SendScenarios::oneway);
        SCENARIOS.put("batch", SendScenarios::batch);
        SCENARIOS.put("properties", SendScenarios::properties);
        SCENARIOS.put("large", SendScenarios::large);
        SCENARIOS.put("delay", SendScenarios::delay);
        SCENARIOS.put("timer", SendScenarios::timer);
        SCENARIOS.put("tags", ConsumeScenarios::tags);
        SCENARIOS.put("retry", ConsumeScenarios::retry);
        SCENARIOS.put("orderly", ConsumeScenarios::orderly);
        SCENARIOS.put("offsets", ConsumeScenarios::offsets);
        SCENARIOS.put("pull", ConsumeScenarios::pull);
        SCENARIOS.put("lite", LiteScenario::run);
        SCENARIOS.put("lite-group", LiteScenario::group);
        SCENARIOS.put("share", ShareScenario::run);
        SCENARIOS.put("scale", ScaleScenario::run);
        SCENARIOS.put("transaction", TransactionScenario::run);
        SCENARIOS.put("filter", FilterScenario::run);
        SCENARIOS.put("exchange", MixedScenarios::exchange);
        SCENARIOS.put("group", MixedScenarios::group);
        SCENARIOS.put("compress", CompressScenario::run);
        SCENARIOS.put("compress-zstd", CompressScenario::zstd);
        SCENARIOS.put("member", MemberScenario::inOrder);
        SCENARIOS.put("listen", MemberScenario::concurrently);
        SCENARIOS.put("ask", AskScenarios::ask);
        SCENARIOS.put("answer", AskScenarios::answer);
        SCENARIOS.put("namespace", NamespaceScenario::run);
        SCENARIOS.put("replica", ReplicaScenario::run);
        SCENARIOS.put("survive", SurviveScenario::run);
        SCENARIOS.put("store-fill", StoreScenarios::fill);
        SCENARIOS.put("store-check", StoreScenarios::check);
    }

    private Peer() {
    }

    public static void main(String[] args) throws Exception {
        run(SCENARIOS, args);
    }

    static void run(Map<String, Scenario> scenarios, String[] args) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            String name = args[i];
            Scenario scenario = scenarios.get(name);
            if (scenario == null) {
                throw new IllegalArgumentException("no scenario " + name + "; there are " + scenarios.keySet());
            }
            Run run = new Run(args[0], args[1], name);
            threads.add(new Thread(() -> runToTheEnd(scenario, run), name));
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        // The clients keep non-daemon threads after shutdown().
        System.exit(0);
    }

    private static void runToTheEnd(Scenario scenario, Run run) {
        try {
            try {
                scenario.run(run);
            } finally {
                // Listeners that are still running print their lines before the last one.
                run.shutdownClients();
            }
            run.emit("done");
        } catch (Throwable e) {
            StackTraceElement[] stack = e.getStackTrace();
            run.emit("failed", "error", e.toString(), "where", stack.length == 0 ? "" : String.valueOf(stack[0]));
        }
    }

    interface Scenario {
        void run(Run run) throws Exception;
    }
}
