import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends with Apache's Java client and prints what programs/task.ts prints. Arguments: threads or callbacks, address of the name
 * server, body, sends under way, warm-up and measured time in s.
 */
public class JavaClient {
    private static final LongAdder sent = new LongAdder();
    private static volatile boolean stopped;

    public static void main(String[] args) throws Exception {
        byte[] body = args[2].getBytes(StandardCharsets.UTF_8);
        int underWay = Integer.parseInt(args[3]);
        DefaultMQProducer producer = new DefaultMQProducer("bench-java");
        producer.setNamesrvAddr(args[1]);
        producer.start();
        boolean byThreads = args[0].equals("threads");
        for (int i = 0; i < (byThreads ? underWay : 1); i++) {
            Thread thread = new Thread(() -> run(producer, body, byThreads ? 0 : underWay));
            thread.setDaemon(true);
            thread.start();
        }
        Thread.sleep(Long.parseLong(args[4]) * 1000);
        measure(Long.parseLong(args[5]) * 1000);
        stopped = true;
        System.exit(0);
    }

    private static void run(DefaultMQProducer producer, byte[] body, int callbacks) {
        try {
            if (callbacks == 0) sendOneByOne(producer, body);
            else sendWithCallbacks(producer, body, callbacks);
        } catch (Exception error) {
            fail(error);
        }
    }

    private static void fail(Throwable error) {
        error.printStackTrace();
        System.exit(1);
    }

    private static void sendOneByOne(DefaultMQProducer producer, byte[] body) throws Exception {
        while (!stopped) {
            producer.send(new Message("bench-send", "tag", body));
            sent.increment();
        }
    }

    private static void sendWithCallbacks(DefaultMQProducer producer, byte[] body, int underWay) throws Exception {
        Semaphore free = new Semaphore(underWay);
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                sent.increment();
                free.release();
            }

            @Override
            public void onException(Throwable error) {
                fail(error);
            }
        };
        while (!stopped) {
            free.acquire();
            producer.send(new Message("bench-send", "tag", body), callback);
        }
    }

    private static void measure(long ms) throws InterruptedException {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        System.out.println("begin");
        long cpu = system.getProcessCpuTime();
        long from = System.nanoTime();
        long before = sent.sum();
        Thread.sleep(ms);
        long messages = sent.sum() - before;
        long cpuMicros = (system.getProcessCpuTime() - cpu) / 1000;
        double took = (System.nanoTime() - from) / 1e6;
        System.out.println("end {\"messages\":" + messages + ",\"ms\":" + took + ",\"cpuMicros\":" + cpuMicros + "}");
    }
}
