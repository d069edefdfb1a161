package dev.espalier.checkpoint;

import dev.espalier.tensor.Engine;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Writes GGUF files, the format of llama.cpp, in version 3:
 *
 * <pre>
 * "GGUF" | uint32 version | uint64 tensors | uint64 metadata pairs
 * metadata: string key | uint32 type | value
 * tensors: string name | uint32 dimensions | uint64 each, innermost first | uint32 type | uint64 offset in the data
 * padding to 32 bytes | data, each tensor padded to 32 bytes
 * </pre>
 *
 * all little-endian; a string is its length as uint64 and UTF-8. Described in
 * <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">gguf.md</a>.
 */
public final class Gguf {
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;
    /** llama.cpp keeps names, with a zero at their end, in 64 bytes. */
    private static final int MOST_NAME_BYTES = 63;

    private static final int MOST_DIMENSIONS = 4;

    private Gguf() {}

    /**
     * Writes a file in one piece or not at all (see {@link AtomicFiles}), metadata and tensors in their maps' order.
     *
     * @param tensors fp32, fp16 or bf16, of any layout in memory
     * @throws dev.espalier.error.InputException if the file cannot be written
     * @throws IllegalArgumentException if a tensor's name, dtype or shape is none that the format or llama.cpp has
     */
    public static void write(Path target, Map<String, GgufValue> metadata, Map<String, Tensor> tensors) {
        var header = new Header();
        header.raw("GGUF".getBytes(StandardCharsets.US_ASCII));
        header.uint32(VERSION);
        header.uint64(tensors.size());
        header.uint64(metadata.size());
        metadata.forEach((key, value) -> {
            header.text(key);
            header.uint32(value.type());
            header.value(value);
        });
        long offset = 0;
        for (var named : tensors.entrySet()) {
            var tensor = named.getValue();
            describe(header, named.getKey(), tensor, offset);
            offset += padded(tensor.numel() * tensor.element_size());
        }
        header.pad();
        AtomicFiles.write(target, temporary -> {
            try (var channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                TensorBytes.writeFully(channel, ByteBuffer.wrap(header.bytes()));
                for (var tensor : tensors.values()) {
                    TensorBytes.write(channel, tensor);
                    long bytes = tensor.numel() * tensor.element_size();
                    TensorBytes.writeFully(channel, ByteBuffer.allocate((int) (padded(bytes) - bytes)));
                }
            }
        });
    }

    private static void describe(Header header, String name, Tensor tensor, long offset) {
        if (name.getBytes(StandardCharsets.UTF_8).length > MOST_NAME_BYTES) {
            throw new IllegalArgumentException("the tensor name '" + name + "' is longer than llama.cpp reads");
        }
        int dimensions = (int) tensor.dim();
        if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
            throw new IllegalArgumentException(name + " has " + dimensions + " dimensions");
        }
        header.text(name);
        header.uint32(dimensions);
        for (int dimension = dimensions - 1; dimension >= 0; dimension--) {
            header.uint64(tensor.size(dimension));
        }
        header.uint32(type(name, tensor));
        header.uint64(offset);
    }

    private static int type(String name, Tensor tensor) {
        var dtype = Engine.dtype(tensor);
        return switch (dtype) {
            case Float -> 0;
            case Half -> 1;
            case BFloat16 -> 30;
            default -> throw new IllegalArgumentException(name + " is " + Engine.name(dtype));
        };
    }

    private static long padded(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** All that comes before the data. */
    private static final class Header {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        void raw(byte... bytes) {
            out.writeBytes(bytes);
        }

        void uint32(int value) {
            raw(ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(value)
                    .array());
        }

        void uint64(long value) {
            raw(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(value)
                    .array());
        }

        void text(String value) {
            var bytes = value.getBytes(StandardCharsets.UTF_8);
            uint64(bytes.length);
            raw(bytes);
        }

        void value(GgufValue value) {
            if (value instanceof GgufValue.Uint32 v) {
                uint32(v.value());
            } else if (value instanceof GgufValue.Int32 v) {
                uint32(v.value());
            } else if (value instanceof GgufValue.Float32 v) {
                uint32(Float.floatToIntBits(v.value()));
            } else if (value instanceof GgufValue.Bool v) {
                raw((byte) (v.value() ? 1 : 0));
            } else if (value instanceof GgufValue.Text v) {
                text(v.value());
            } else if (value instanceof GgufValue.Uint64 v) {
                uint64(v.value());
            } else if (value instanceof GgufValue.Int64 v) {
                uint64(v.value());
            } else if (value instanceof GgufValue.Float64 v) {
                uint64(Double.doubleToLongBits(v.value()));
            } else if (value instanceof GgufValue.Array v) {
                uint32(v.values().get(0).type());
                uint64(v.values().size());
                v.values().forEach(this::value);
            }
        }

        void pad() {
            raw(new byte[(int) (padded(out.size()) - out.size())]);
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
