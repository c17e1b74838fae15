package peer;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** Runs mqadmin's commands one after the other in one JVM, each after a line that names it. */
public final class Mqadmin {
    /** Before the name of a command, and before the end. */
    private static final String MARK = "## ";
    private static final int TRIES = 5;

    public static void main(String[] commands) {
        warmUp();
        for (String command : commands) {
            // Some commands end without the end of a line.
            System.out.println();
            System.out.println(MARK + command);
            MQAdminStartup.main0(command.split(" "), null);
        }
        System.out.println();
        System.out.println(MARK + "end");
        System.exit(0);
    }

    /** Each command has clients of its own, which wait for 3 s: a JVM that has loaded no class yet may take longer on a busy machine. */
    private static void warmUp() {
        PrintStream out = System.out;
        PrintStream errors = System.err;
        for (int tries = 0; tries < TRIES; tries++) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream capture = new PrintStream(printed, true);
            System.setOut(capture);
            System.setErr(capture);
            MQAdminStartup.main0(new String[] {"clusterList"}, null);
            System.setOut(out);
            System.setErr(errors);
            if (!printed.toString().contains("Exception")) {
                return;
            }
        }
    }
}
