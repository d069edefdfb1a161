package dev.espalier.checkpoint;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes small ONNX files by hand, so that tests say what stands in them byte by byte. */
final class OnnxBytes {
    private OnnxBytes() {}

    /** A message; build it from the field methods. */
    static byte[] message(IoConsumer<CodedOutputStream> fields) {
        var bytes = new ByteArrayOutputStream();
        try {
            var out = CodedOutputStream.newInstance(bytes);
            fields.accept(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** A model whose graph has these nodes and initializers, in the order in which exporters write them. */
    static byte[] model(byte[][] nodes, byte[][] initializers) {
        var graph = message(out -> {
            for (var node : nodes) {
                out.writeByteArray(1, node);
            }
            out.writeString(2, "torch_jit");
            for (var initializer : initializers) {
                out.writeByteArray(5, initializer);
            }
        });
        return message(out -> {
            out.writeInt64(1, 6);
            out.writeString(2, "pytorch");
            out.writeByteArray(7, graph);
            out.writeByteArray(8, message(opset -> opset.writeInt64(2, 11)));
        });
    }

    static byte[] node(String operator, String name, String... inputs) {
        return message(out -> {
            for (var input : inputs) {
                out.writeString(1, input);
            }
            out.writeString(2, name + "_output_0");
            out.writeString(3, name);
            out.writeString(4, operator);
        });
    }

    /** A float tensor in raw_data. */
    static byte[] raw(String name, long[] shape, float... values) {
        return message(out -> {
            for (var size : shape) {
                out.writeInt64(1, size);
            }
            out.writeInt32(2, 1);
            out.writeString(8, name);
            out.writeByteArray(9, littleEndian(values));
        });
    }

    static byte[] littleEndian(float... values) {
        var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (var value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }
}
