package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The header of a safetensors file, read and checked; {@link SafetensorsFile} has the grammar.
 *
 * @param dataStart where the data begins in the file, in bytes
 * @param entries the tensors in the order of the header
 */
record SafetensorsHeader(long dataStart, Map<String, Entry> entries, Map<String, String> metadata) {
    /** The limit of the format's reference implementation. */
    static final long MAX_BYTES = 100_000_000;

    static final String METADATA = "__metadata__";

    /** A tensor; {@code begin} and {@code end} count bytes from the start of the data. */
    record Entry(TensorInfo info, long begin, long end) {}

    /** Reads the header of {@code file} and proves that its tensors tile the data without overlap or hole. */
    static SafetensorsHeader read(MappedFile file) {
        var path = file.path();
        if (file.size() < Long.BYTES) {
            throw bad(path, "it has " + file.size() + " bytes, fewer than the 8 of the header's length");
        }
        var length = ByteBuffer.wrap(file.read(0, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        if (length < 0 || length > MAX_BYTES) {
            throw bad(
                    path,
                    "its header length is " + Long.toUnsignedString(length) + " bytes, above the limit of "
                            + MAX_BYTES);
        }
        if (length > file.size() - Long.BYTES) {
            throw bad(
                    path,
                    "its header length is " + length + " bytes, past the end of the file of " + file.size()
                            + " (truncated?)");
        }
        var header = new Reader(path, file.read(Long.BYTES, (int) length)).read();
        header.checkTiling(path, file.size() - header.dataStart);
        return header;
    }

    private void checkTiling(Path path, long dataSize) {
        var ordered = new ArrayList<>(entries.entrySet());
        ordered.sort(Comparator.comparingLong(
                        (Map.Entry<String, Entry> e) -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()));
        long position = 0;
        for (var item : ordered) {
            var entry = item.getValue();
            var where = "tensor '" + item.getKey() + "' has offsets [" + entry.begin + ", " + entry.end + "]";
            if (entry.begin < position) {
                throw bad(path, where + ", which overlap the tensor before it, that ends at " + position);
            }
            if (entry.begin > position) {
                throw bad(path, where + ", which leave a hole after " + position);
            }
            if (entry.end > dataSize) {
                throw bad(path, where + ", past the end of the data of " + dataSize + " bytes (truncated?)");
            }
            position = entry.end;
        }
        if (position < dataSize) {
            throw bad(
                    path,
                    "its tensors end at " + position + ", which leaves a hole up to the data's " + dataSize + " bytes");
        }
    }

    private static InputException bad(Path path, String what) {
        return new InputException(path + " is not a valid safetensors file: " + what + "; get or export it again.");
    }

    /** Walks the JSON token by token, since a tree would lose duplicate names. */
    private static final class Reader {
        private final Path path;
        private final byte[] json;

        Reader(Path path, byte[] json) {
            this.path = path;
            this.json = json;
        }

        SafetensorsHeader read() {
            Map<String, Entry> entries = new LinkedHashMap<>();
            Map<String, String> metadata = new LinkedHashMap<>();
            var metadataSeen = false;
            try (var parser = Json.mapper().createParser(json)) {
                expect(parser.nextToken(), JsonToken.START_OBJECT, "the header");
                for (var name = parser.nextName(); name != null; name = parser.nextName()) {
                    if (name.equals(METADATA) ? metadataSeen : entries.containsKey(name)) {
                        throw bad(path, "the name '" + name + "' occurs twice");
                    }
                    if (name.equals(METADATA)) {
                        metadataSeen = true;
                        readMetadata(parser, metadata);
                    } else {
                        entries.put(name, readEntry(parser, name));
                    }
                }
                expect(parser.currentToken(), JsonToken.END_OBJECT, "the header");
                if (parser.nextToken() != null) {
                    throw bad(path, "text follows the header's JSON object");
                }
            } catch (JacksonException e) {
                throw new InputException(
                        path + " is not a valid safetensors file: its header is not JSON ("
                                + e.getOriginalMessage().lines().findFirst().orElse("no reason given")
                                + "); get or export it again.",
                        e);
            }
            return new SafetensorsHeader(Long.BYTES + (long) json.length, entries, metadata);
        }

        private void readMetadata(JsonParser parser, Map<String, String> metadata) {
            expect(parser.nextToken(), JsonToken.START_OBJECT, METADATA);
            for (var key = parser.nextName(); key != null; key = parser.nextName()) {
                expect(parser.nextToken(), JsonToken.VALUE_STRING, METADATA + " '" + key + "'");
                if (metadata.put(key, parser.getString()) != null) {
                    throw bad(path, METADATA + " has '" + key + "' twice");
                }
            }
        }

        private Entry readEntry(JsonParser parser, String name) {
            var what = "tensor '" + name + "'";
            @Nullable String dtype = null;
            @Nullable List<Long> shape = null;
            @Nullable List<Long> offsets = null;
            expect(parser.nextToken(), JsonToken.START_OBJECT, what);
            for (var key = parser.nextName(); key != null; key = parser.nextName()) {
                parser.nextToken();
                switch (key) {
                    case "dtype" -> {
                        expect(parser.currentToken(), JsonToken.VALUE_STRING, what + ", dtype");
                        once(dtype, what, key);
                        dtype = parser.getString();
                    }
                    case "shape" -> {
                        once(shape, what, key);
                        shape = readSizes(parser, what + ", shape");
                    }
                    case "data_offsets" -> {
                        once(offsets, what, key);
                        offsets = readSizes(parser, what + ", data_offsets");
                    }
                    default -> parser.skipChildren();
                }
            }
            if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
                throw bad(path, what + " needs a dtype, a shape and two data_offsets");
            }
            return check(what, dtype, shape, offsets.get(0), offsets.get(1));
        }

        private void once(@Nullable Object former, String what, String key) {
            if (former != null) {
                throw bad(path, what + " has '" + key + "' twice");
            }
        }

        private List<Long> readSizes(JsonParser parser, String what) {
            expect(parser.currentToken(), JsonToken.START_ARRAY, what);
            List<Long> sizes = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
                var size = parser.getLongValue();
                if (size < 0) {
                    throw bad(path, what + " holds the negative number " + size);
                }
                sizes.add(size);
            }
            return sizes;
        }

        private Entry check(String what, String dtypeName, List<Long> shape, long begin, long end) {
            var dtype = SafetensorsDtype.named(dtypeName)
                    .orElseThrow(() -> bad(
                            path,
                            what + " has the dtype '" + dtypeName + "', none of "
                                    + List.of(SafetensorsDtype.values())));
            var info = new TensorInfo(dtype.scalarType, shape);
            long bytes;
            try {
                bytes = Math.multiplyExact(info.elements(), dtype.bytes);
            } catch (ArithmeticException e) {
                throw bad(path, what + " has the shape " + shape + ", more than 2^63 bytes");
            }
            if (end < begin || end - begin != bytes) {
                throw bad(
                        path,
                        what + " has offsets [" + begin + ", " + end + "], but " + dtype + " " + shape + " takes "
                                + bytes + " bytes");
            }
            return new Entry(info, begin, end);
        }

        private void expect(@Nullable JsonToken found, JsonToken expected, String what) {
            if (found != expected) {
                throw bad(path, what + " has " + found + " where " + expected + " belongs");
            }
        }
    }
}
