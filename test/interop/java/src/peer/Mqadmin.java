package peer;

import org.apache.rocketmq.tools.command.MQAdminStartup;

/** Runs mqadmin's commands one after the other in one JVM, each after a line that names it. */
public final class Mqadmin {
    /** Before the name of a command, and before the end. */
    private static final String MARK = "## ";

    public static void main(String[] commands) {
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
}
