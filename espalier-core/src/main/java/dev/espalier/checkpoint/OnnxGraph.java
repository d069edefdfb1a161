package dev.espalier.checkpoint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of an ONNX file that weights need, read straight from protobuf's wire format. Field numbers are those of
 * {@code onnx.proto}:
 *
 * <pre>
 * ModelProto  graph 7
 * GraphProto  node 1, initializer 5
 * NodeProto   input 1 (repeated), name 3, op_type 4
 * TensorProto dims 1 (repeated), data_type 2, float_data 4 (repeated), name 8, raw_data 9, data_location 14
 * </pre>
 *
 * <p>Values stay in the file: an initializer only knows where its bytes are. {@code raw_data} is little-endian and
 * row-major, and a packed {@code float_data} has the same bytes.
 */
record OnnxGraph(List<Initializer> initializers, List<Node> nodes) {
    /** Where a run of bytes lies in the file. */
    record Span(int offset, int length) {}

    /**
     * A stored tensor.
     *
     * @param dataType ONNX's number of the dtype
     * @param data its bytes, in order; empty if they are in a field that is not read here
     * @param external whether the values are in another file
     */
    record Initializer(String name, List<Long> shape, int dataType, List<Span> data, boolean external) {}

    /** An operation; only what names the weights it takes. */
    record Node(String name, String operator, List<String> inputs) {}

    /**
     * Reads the graph from the bytes of {@code path}.
     *
     * @throws InputException if they are not an ONNX model
     */
    static OnnxGraph read(Path path, ByteBuffer bytes) {
        var graph = new OnnxGraph(new ArrayList<>(), new ArrayList<>());
        var found = new ArrayList<OnnxGraph>();
        try {
            var in = CodedInputStream.newInstance(bytes);
            fields(in, tag -> {
                if (tag == delimited(7)) {
                    found.add(graph);
                    message(in, field -> graph.field(in, field));
                } else {
                    in.skipField(tag);
                }
            });
        } catch (IOException e) {
            throw new InputException(
                    path + " is not a valid ONNX file: " + AtomicFiles.reason(e) + "; get it again.", e);
        }
        if (found.isEmpty()) {
            throw new InputException(path + " holds no ONNX graph.");
        }
        return graph;
    }

    private void field(CodedInputStream in, int tag) throws IOException {
        if (tag == delimited(1)) {
            nodes.add(node(in));
        } else if (tag == delimited(5)) {
            initializers.add(initializer(in));
        } else {
            in.skipField(tag);
        }
    }

    private static Node node(CodedInputStream in) throws IOException {
        var inputs = new ArrayList<String>();
        var texts = new String[] {"", ""};
        message(in, tag -> {
            switch (tag >>> 3) {
                case 1 -> inputs.add(in.readString());
                case 3 -> texts[0] = in.readString();
                case 4 -> texts[1] = in.readString();
                default -> in.skipField(tag);
            }
        });
        return new Node(texts[0], texts[1], inputs);
    }

    private static Initializer initializer(CodedInputStream in) throws IOException {
        var name = new StringBuilder();
        var shape = new ArrayList<Long>();
        var numbers = new int[2];
        var data = new ArrayList<Span>();
        message(in, tag -> {
            switch (tag >>> 3) {
                case 1 -> dimensions(in, tag, shape);
                case 2 -> numbers[0] = in.readInt32();
                case 4, 9 -> data.add(span(in, tag));
                case 8 -> name.append(in.readString());
                case 14 -> numbers[1] = in.readEnum();
                default -> in.skipField(tag);
            }
        });
        return new Initializer(name.toString(), shape, numbers[0], data, numbers[1] != 0);
    }

    private static void dimensions(CodedInputStream in, int tag, List<Long> shape) throws IOException {
        if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT) {
            shape.add(dimension(in));
            return;
        }
        var limit = in.pushLimit(in.readRawVarint32());
        while (!in.isAtEnd()) {
            shape.add(dimension(in));
        }
        in.popLimit(limit);
    }

    private static long dimension(CodedInputStream in) throws IOException {
        var size = in.readInt64();
        if (size < 0) {
            throw new IOException("a tensor has the negative dimension " + size);
        }
        return size;
    }

    /** Bytes of a field, be it one element (a float that is not packed) or all of them. */
    private static Span span(CodedInputStream in, int tag) throws IOException {
        var length = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_FIXED32 ? Float.BYTES : in.readRawVarint32();
        var span = new Span(in.getTotalBytesRead(), length);
        in.skipRawBytes(length);
        return span;
    }

    private static int delimited(int field) {
        return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    private static void message(CodedInputStream in, IoConsumer<Integer> field) throws IOException {
        var limit = in.pushLimit(in.readRawVarint32());
        fields(in, field);
        in.popLimit(limit);
    }

    private static void fields(CodedInputStream in, IoConsumer<Integer> field) throws IOException {
        for (var tag = in.readTag(); tag != 0; tag = in.readTag()) {
            field.accept(tag);
        }
    }
}
