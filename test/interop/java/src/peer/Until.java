package peer;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;

/** Waits for a condition that the client gives no event for. */
final class Until {
    private static final long POLL_MS = 20;

    private Until() {
    }

    static void holds(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.currentTimeMillis() + Reader.PATIENCE_MS;
        while (!condition.call()) {
            if (System.currentTimeMillis() > deadline) {
                throw new TimeoutException("waited " + Reader.PATIENCE_MS + " ms for " + what);
            }
            Thread.sleep(POLL_MS);
        }
    }
}
