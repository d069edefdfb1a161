package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import tools.jackson.databind.node.ObjectNode;

/** Writes safetensors files; {@link SafetensorsFile} reads them and has the grammar. */
public final class Safetensors {
    private static final int ALIGNMENT = 8;

    private Safetensors() {}

    /**
     * Writes {@code tensors} to {@code target} in one piece or not at all (see {@link AtomicFiles}). The same tensors and
     * metadata give the same bytes: the order is that of the format's reference implementation (wide dtypes first, then
     * by name) and metadata is sorted by key. Tensors may be on any device and of any layout in memory.
     *
     * @param tensors by name; {@code __metadata__} is not a name
     * @param metadata free text, for instance {@code format: pt}, which Hugging Face transformers asks for
     * @throws InputException if the file cannot be written (a full disk, say)
     * @throws IllegalArgumentException if the format has no dtype for a tensor, or a tensor is called
     *     {@code __metadata__}
     */
    public static void write(Path target, Map<String, Tensor> tensors, Map<String, String> metadata) {
        Map<String, LazyTensor> ready = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            var shape = Arrays.stream(tensor.shape()).boxed().toList();
            ready.put(name, new LazyTensor(new TensorInfo(tensor.scalar_type().intern(), shape), () -> tensor));
        });
        writeLazily(target, ready, metadata);
    }

    /** As {@link #write}, for tensors that are computed one after another. */
    public static void writeLazily(Path target, Map<String, LazyTensor> tensors, Map<String, String> metadata) {
        if (tensors.containsKey(SafetensorsHeader.METADATA)) {
            throw new IllegalArgumentException("A tensor cannot be called " + SafetensorsHeader.METADATA + ".");
        }
        List<Named> ordered = new ArrayList<>();
        tensors.forEach((name, tensor) ->
                ordered.add(new Named(name, SafetensorsDtype.of(tensor.info().dtype()), tensor)));
        ordered.sort(Named.ORDER);
        var header = header(ordered, metadata);
        AtomicFiles.write(target, temporary -> {
            try (var channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                TensorBytes.writeFully(channel, header);
                for (var named : ordered) {
                    write(channel, named);
                }
            }
        });
    }

    private static void write(FileChannel channel, Named named) throws IOException {
        try (var scope = Scope.open()) {
            var values = named.tensor.values().get();
            var expected = named.tensor.info();
            if (!Arrays.equals(values.shape(), expected.sizes())
                    || SafetensorsDtype.of(values.scalar_type()) != named.dtype) {
                throw new IllegalStateException(named.name + " is not the " + expected + " it was said to be");
            }
            TensorBytes.write(channel, values);
        }
    }

    private record Named(String name, SafetensorsDtype dtype, LazyTensor tensor) {
        /** Names compare as UTF-8 bytes, which differs from Java's order beyond the Basic Multilingual Plane. */
        static final Comparator<Named> ORDER = Comparator.comparing(Named::dtype, Comparator.reverseOrder())
                .thenComparing(n -> n.name.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);
    }

    private static ByteBuffer header(List<Named> ordered, Map<String, String> metadata) {
        var root = Json.mapper().createObjectNode();
        if (!metadata.isEmpty()) {
            var texts = root.putObject(SafetensorsHeader.METADATA);
            new TreeMap<>(metadata).forEach(texts::put);
        }
        long position = 0;
        for (var named : ordered) {
            position = describe(root.putObject(named.name), named, position);
        }
        var json = Json.mapper().writeValueAsBytes(root);
        var padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (padded > SafetensorsHeader.MAX_BYTES) {
            throw new IllegalArgumentException("A safetensors header of " + padded + " bytes: too many tensors.");
        }
        var header = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded).put(json);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    private static long describe(ObjectNode node, Named named, long begin) {
        node.put("dtype", named.dtype.name());
        var shape = node.putArray("shape");
        named.tensor.info().shape().forEach(shape::add);
        var end = begin + named.tensor.info().elements() * named.dtype.bytes;
        node.putArray("data_offsets").add(begin).add(end);
        return end;
    }
}
