package peer;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** Bodies as text and back. */
final class Text {
    private static final int LONGEST_SHOWN = 200;

    private Text() {
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The text itself, or for a long body its length and CRC-32, which is enough to compare. */
    static String of(byte[] body) {
        if (body.length <= LONGEST_SHOWN) {
            return new String(body, StandardCharsets.UTF_8);
        }
        CRC32 crc = new CRC32();
        crc.update(body);
        return body.length + " bytes, crc " + Long.toHexString(crc.getValue());
    }
}
