package dev.espalier.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads GGUF files as the format's description has it, without the writer's code.
 *
 * @param metadata numbers, booleans, strings and lists by key
 */
public record GgufReader(int version, Map<String, Object> metadata, Map<String, Stored> tensors) {
    private static final int ALIGNMENT = 32;

    /**
     * @param dimensions innermost first
     * @param type 0 fp32, 1 fp16, 30 bf16
     * @param offset from the beginning of the data
     * @param data from the tensor's first byte to the end of the file
     */
    public record Stored(List<Long> dimensions, int type, long offset, ByteBuffer data) {
        /** The values in their order in the file. */
        public double[] values() {
            long count = dimensions.stream().mapToLong(d -> d).reduce(1, (a, b) -> a * b);
            var values = new double[(int) count];
            for (int i = 0; i < count; i++) {
                values[i] = switch (type) {
                    case 0 -> data.getFloat(4 * i);
                    case 1 -> half(data.getShort(2 * i));
                    case 30 -> Float.intBitsToFloat(data.getShort(2 * i) << 16);
                    default -> throw new AssertionError("type " + type);
                };
            }
            return values;
        }

        private static double half(short bits) {
            int exponent = bits >> 10 & 31;
            double fraction = (bits & 1023) / 1024.0;
            double magnitude = exponent == 0 ? fraction * 0x1p-14 : (1 + fraction) * Math.pow(2, exponent - 15);
            return bits < 0 ? -magnitude : magnitude;
        }
    }

    public static GgufReader read(Path path) throws IOException {
        var file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        var magic = new byte[4];
        file.get(magic);
        expect("GGUF", new String(magic, StandardCharsets.US_ASCII));
        int version = file.getInt();
        long tensorCount = file.getLong();
        long pairs = file.getLong();
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (long i = 0; i < pairs; i++) {
            metadata.put(text(file), value(file, file.getInt()));
        }
        Map<String, Stored> infos = new LinkedHashMap<>();
        for (long i = 0; i < tensorCount; i++) {
            var name = text(file);
            var dimensions = new ArrayList<Long>();
            for (int left = file.getInt(); left > 0; left--) {
                dimensions.add(file.getLong());
            }
            infos.put(name, new Stored(dimensions, file.getInt(), file.getLong(), file));
        }
        int start = (file.position() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        expect(0, file.capacity() % ALIGNMENT);
        Map<String, Stored> tensors = new LinkedHashMap<>();
        infos.forEach((name, info) -> {
            expect(0L, info.offset % ALIGNMENT);
            int begin = start + (int) info.offset;
            var data = file.slice(begin, file.capacity() - begin).order(ByteOrder.LITTLE_ENDIAN);
            tensors.put(name, new Stored(info.dimensions, info.type, info.offset, data));
        });
        return new GgufReader(version, metadata, tensors);
    }

    private static Object value(ByteBuffer file, int type) {
        return switch (type) {
            case 4 -> Integer.toUnsignedLong(file.getInt());
            case 5 -> file.getInt();
            case 6 -> file.getFloat();
            case 7 -> file.get() == 1;
            case 8 -> text(file);
            case 9 -> {
                int element = file.getInt();
                var values = new ArrayList<Object>();
                for (long left = file.getLong(); left > 0; left--) {
                    values.add(value(file, element));
                }
                yield values;
            }
            case 10, 11 -> file.getLong();
            case 12 -> file.getDouble();
            default -> throw new AssertionError("type " + type);
        };
    }

    private static String text(ByteBuffer file) {
        var bytes = new byte[(int) file.getLong()];
        file.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void expect(Object expected, Object actual) {
        if (!expected.equals(actual)) {
            throw new AssertionError(actual + " where " + expected + " belongs");
        }
    }
}
