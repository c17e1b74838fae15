package peer;

import java.util.LinkedHashMap;
import java.util.Map;

/** Runs the scenarios of consumers in POP mode, which the client of 4.9 does not know, as {@link Peer} runs the others. */
public final class PopPeer {
    private PopPeer() {
    }

    public static void main(String[] args) throws Exception {
        Map<String, Peer.Scenario> scenarios = new LinkedHashMap<>();
        scenarios.put("poppush", PopScenarios::push);
        scenarios.put("poporder", PopScenarios::order);
        scenarios.put("popraw", PopScenarios::raw);
        scenarios.put("poptake", PopScenarios::take);
        scenarios.put("popagain", PopScenarios::again);
        Peer.run(scenarios, args);
    }
}
