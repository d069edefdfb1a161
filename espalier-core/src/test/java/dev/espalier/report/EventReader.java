package dev.espalier.report;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads TensorBoard's event files byte by byte, without the libraries that write them. */
public final class EventReader {
    private EventReader() {}

    /** A scalar, or the version of the file: then it is the tag. */
    public record Scalar(double wallTime, long step, String tag, float value) {}

    /** All scalars of a file; checksums and lengths must be right. */
    public static List<Scalar> read(byte[] file) {
        var scalars = new ArrayList<Scalar>();
        var bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            int start = bytes.position();
            long length = bytes.getLong();
            check(bytes.getInt(), file, start, 8);
            var data = bytes.slice(bytes.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.position(bytes.position() + (int) length);
            check(bytes.getInt(), file, start + 12, (int) length);
            event(data, scalars);
        }
        return scalars;
    }

    private static void check(int stored, byte[] file, int start, int length) {
        int checksum = crc32c(file, start, length);
        int masked = ((checksum >>> 15) | (checksum << 17)) + 0xa282ead8;
        if (stored != masked) {
            throw new AssertionError("checksum at " + start);
        }
    }

    /** Bit by bit, polynomial 0x1EDC6F41 reflected. */
    static int crc32c(byte[] bytes, int start, int length) {
        int remainder = -1;
        for (int i = start; i < start + length; i++) {
            remainder ^= bytes[i] & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                remainder = (remainder >>> 1) ^ ((remainder & 1) * 0x82F63B78);
            }
        }
        return ~remainder;
    }

    private static void event(ByteBuffer data, List<Scalar> scalars) {
        double wallTime = 0;
        long step = 0;
        while (data.hasRemaining()) {
            switch ((int) varint(data)) {
                case 1 << 3 | 1 -> wallTime = data.getDouble();
                case 2 << 3 -> step = varint(data);
                case 3 << 3 | 2 -> scalars.add(new Scalar(wallTime, step, text(data), 0));
                case 5 << 3 | 2 -> {
                    var summary = part(data);
                    while (summary.hasRemaining()) {
                        expect(1 << 3 | 2, varint(summary));
                        scalars.add(value(part(summary), wallTime, step));
                    }
                }
                default -> throw new AssertionError("unknown field of an event");
            }
        }
    }

    private static Scalar value(ByteBuffer value, double wallTime, long step) {
        expect(1 << 3 | 2, varint(value));
        var tag = text(value);
        expect(2 << 3 | 5, varint(value));
        var scalar = new Scalar(wallTime, step, tag, value.getFloat());
        expect(0, value.remaining());
        return scalar;
    }

    private static void expect(long expected, long actual) {
        if (expected != actual) {
            throw new AssertionError(actual + " where " + expected + " belongs");
        }
    }

    private static String text(ByteBuffer data) {
        return StandardCharsets.UTF_8.decode(part(data)).toString();
    }

    private static ByteBuffer part(ByteBuffer data) {
        int length = (int) varint(data);
        var part = data.slice(data.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        data.position(data.position() + length);
        return part;
    }

    private static long varint(ByteBuffer data) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = data.get();
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }
}
