package peer;

import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientExt;

/** Large messages by every compression of a 5.x client, and batches: what one client sends the other reads. */
final class CompressScenario {
    private static final int LARGE = 50_000;
    /** By each of three compressions, and a batch. */
    private static final int FROM_OTHER = 3 + 100;

    private CompressScenario() {
    }

    /** Sends to the topic "fromJava" and reads what comes to "toJava"; both topics exist. */
    static void run(Run run) throws Exception {
        DefaultMQProducer producer = run.producer();
        for (String type : new String[] {"ZLIB", "LZ4"}) {
            send(run, producer, type);
        }
        take(run, FROM_OTHER);
    }

    /** Sends a message to "fromJava" by ZSTD. */
    static void zstd(Run run) throws Exception {
        send(run, run.producer(), "ZSTD");
    }

    private static void send(Run run, DefaultMQProducer producer, String type) throws Exception {
        setCompressType(producer, type);
        Message message = new Message(run.named("fromJava"), type, type.repeat(LARGE).substring(0, LARGE).getBytes());
        run.emitSent(message, producer.send(message));
    }

    private static void take(Run run, int count) throws Exception {
        Reader reader = new Reader(run, run.named("reader"), run.named("toJava"), "*");
        reader.take(count).forEach(message ->
            run.emit("ids", "msgId", message.getMsgId(), "offsetMsgId", ((MessageClientExt) message).getOffsetMsgId()));
    }

    /** A 4.x client has neither the method nor the type. */
    private static void setCompressType(DefaultMQProducer producer, String name) throws Exception {
        Class<?> type = Class.forName("org.apache.rocketmq.common.compression.CompressionType");
        Object value = type.getMethod("of", String.class).invoke(null, name);
        DefaultMQProducer.class.getMethod("setCompressType", type).invoke(producer, value);
    }
}
