package dev.espalier.report;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Clock;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * TensorBoard's event file: every number of a record as a scalar tagged {@code kind/metric} or
 * {@code kind/subject/metric}. A file is a sequence of TFRecords,
 *
 * <pre>
 * uint64 length | uint32 masked CRC-32C of length | length bytes | uint32 masked CRC-32C of the bytes
 * </pre>
 *
 * all little-endian, each the protocol buffer {@code Event { double wall_time = 1; int64 step = 2; string file_version = 3;
 * Summary summary = 5; }} with {@code Summary { repeated Value value = 1; }} and {@code Value { string tag = 1; float
 * simple_value = 2; }}; the first one holds the version.
 */
public final class TensorBoardEvents implements MetricsFormat {
    private static final String VERSION = "brain.Event:2";
    private static final int MASK = 0xA282EAD8;
    private static final double MILLIS = 1e3;

    private final Clock clock;

    /** @param clock gives events their time */
    public TensorBoardEvents(Clock clock) {
        this.clock = clock;
    }

    /** Writes the fields of a message. */
    private interface Fields {
        void write(CodedOutputStream out) throws IOException;
    }

    @Override
    public byte[] start() {
        return framed(message(out -> {
            out.writeDouble(1, seconds());
            out.writeString(3, VERSION);
        }));
    }

    @Override
    public byte[] bytes(MetricsRecord record) {
        var numbers = record.numbers();
        if (numbers.isEmpty()) {
            return new byte[0];
        }
        var prefix = record.kind() + "/" + (record.subject().isEmpty() ? "" : record.subject() + "/");
        return framed(message(out -> {
            out.writeDouble(1, seconds());
            out.writeInt64(2, record.step());
            out.writeByteArray(5, summary(prefix, numbers));
        }));
    }

    private static byte[] summary(String prefix, Map<String, Double> numbers) {
        return message(out -> {
            for (var number : numbers.entrySet()) {
                out.writeByteArray(1, message(value -> {
                    value.writeString(1, prefix + number.getKey());
                    value.writeFloat(2, number.getValue().floatValue());
                }));
            }
        });
    }

    private double seconds() {
        return clock.millis() / MILLIS;
    }

    private static byte[] message(Fields fields) {
        var bytes = new ByteArrayOutputStream();
        var out = CodedOutputStream.newInstance(bytes);
        try {
            fields.write(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return bytes.toByteArray();
    }

    private static byte[] framed(byte[] data) {
        var record = ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length);
        record.putInt(maskedChecksum(record.array(), Long.BYTES));
        record.put(data);
        record.putInt(maskedChecksum(data, data.length));
        return record.array();
    }

    private static int maskedChecksum(byte[] bytes, int length) {
        var checksum = new CRC32C();
        checksum.update(bytes, 0, length);
        return Integer.rotateRight((int) checksum.getValue(), 15) + MASK;
    }
}
