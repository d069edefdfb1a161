package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The weights of an ONNX file that was exported from a Hugging Face model by PyTorch, under their Hugging Face names.
 *
 * <p>Embeddings, norms and biases keep their names in the export. The weight of a linear loses its own
 * ({@code onnx::MatMul_787}) and is stored transposed, {@code [in, out]}: the node that multiplies by it is called after
 * the module ({@code /encoder/layer.0/attention/self/query/MatMul}), so it is given here as
 * {@code encoder.layer.0.attention.self.query.weight} of shape {@code [out, in]}. Other anonymous constants are no
 * weights and are left out.
 */
public final class OnnxWeights implements TensorSource {
    private static final String ANONYMOUS = "onnx::";
    private static final String MULTIPLY = "MatMul";

    private final MappedFile file;
    private final Owner owner = new Owner();
    private final Map<String, Weight> weights = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new HashMap<>();

    private record Weight(OnnxGraph.Initializer stored, boolean transposed) {
        TensorInfo storedInfo(Path path) {
            return new TensorInfo(
                    dtype(stored.dataType())
                            .orElseThrow(() -> new InputException(path + ", tensor '" + stored.name()
                                    + "': weights of ONNX data type " + stored.dataType() + " are not supported.")),
                    stored.shape());
        }
    }

    private OnnxWeights(MappedFile file) {
        this.file = file;
        var graph = OnnxGraph.read(file.path(), file.buffer());
        Map<String, String> modules = new HashMap<>();
        for (var node : graph.nodes()) {
            if (node.operator().equals(MULTIPLY) && node.inputs().size() == 2) {
                module(node.name())
                        .ifPresent(module -> modules.putIfAbsent(node.inputs().get(1), module));
            }
        }
        for (var initializer : graph.initializers()) {
            var name = initializer.name();
            if (!name.startsWith(ANONYMOUS)) {
                weights.put(name, new Weight(initializer, false));
            } else if (modules.containsKey(name) && initializer.shape().size() == 2) {
                weights.put(modules.get(name) + ".weight", new Weight(initializer, true));
            }
        }
    }

    /**
     * Opens the file at {@code path}, of at most 2 GiB (protobuf's limit).
     *
     * @throws InputException if it cannot be read or is not an ONNX model
     */
    public static OnnxWeights open(Path path) {
        var file = new MappedFile(path);
        try {
            return new OnnxWeights(file);
        } catch (InputException e) {
            file.close();
            throw e;
        }
    }

    /** {@code /encoder/layer.0/output/dense/MatMul} → {@code encoder.layer.0.output.dense}. */
    private static Optional<String> module(String node) {
        if (!node.startsWith("/") || !node.endsWith("/" + MULTIPLY) || node.length() == MULTIPLY.length() + 1) {
            return Optional.empty();
        }
        return Optional.of(
                node.substring(1, node.length() - MULTIPLY.length() - 1).replace('/', '.'));
    }

    /** The numbers of {@code TensorProto.DataType} in {@code onnx.proto}. */
    private static Optional<ScalarType> dtype(int dataType) {
        return switch (dataType) {
            case 1 -> Optional.of(ScalarType.Float);
            case 2 -> Optional.of(ScalarType.Byte);
            case 3 -> Optional.of(ScalarType.Char);
            case 5 -> Optional.of(ScalarType.Short);
            case 6 -> Optional.of(ScalarType.Int);
            case 7 -> Optional.of(ScalarType.Long);
            case 9 -> Optional.of(ScalarType.Bool);
            case 10 -> Optional.of(ScalarType.Half);
            case 11 -> Optional.of(ScalarType.Double);
            case 16 -> Optional.of(ScalarType.BFloat16);
            default -> Optional.empty();
        };
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(weights.keySet());
    }

    @Override
    public TensorInfo info(String name) {
        var weight = weight(name);
        var stored = weight.storedInfo(file.path());
        return weight.transposed
                ? new TensorInfo(
                        stored.dtype(),
                        List.of(stored.shape().get(1), stored.shape().get(0)))
                : stored;
    }

    /**
     * {@inheritDoc}
     *
     * @throws InputException also if the values are stored in a way that is not supported, or are cut off
     */
    @Override
    public synchronized Tensor tensor(String name) {
        var weight = weight(name);
        return tensors.computeIfAbsent(name, n -> read(weight));
    }

    private Tensor read(Weight weight) {
        var stored = weight.stored;
        var info = weight.storedInfo(file.path());
        var bytes = stored.data().stream().mapToLong(OnnxGraph.Span::length).sum();
        var expected = bytes(info);
        if (stored.external() || bytes != expected) {
            throw new InputException(file.path() + ", tensor '" + stored.name() + "': "
                    + (stored.external()
                            ? "the values are in another file, which is not supported; export them into one."
                            : "the shape " + info.shape() + " takes " + expected + " bytes of raw_data or float_data,"
                                    + " found " + bytes + "."));
        }
        try (var scope = Scope.open()) {
            var tensor = join(stored, info);
            return owner.own(weight.transposed ? tensor.t().contiguous() : tensor);
        }
    }

    /** Saturates, since a damaged shape can be larger than any file. */
    private static long bytes(TensorInfo info) {
        try {
            return Math.multiplyExact(info.elements(), torch.elementSize(info.dtype()));
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }

    private Tensor join(OnnxGraph.Initializer stored, TensorInfo info) {
        if (stored.data().size() == 1) {
            return file.slice(stored.data().get(0).offset(), info);
        }
        var parts = new TensorVector();
        for (var span : stored.data()) {
            parts.push_back(file.slice(span.offset(), new TensorInfo(ScalarType.Byte, List.of((long) span.length()))));
        }
        return torch.cat(parts).view(info.dtype()).view(info.sizes());
    }

    /** ONNX metadata is not read: always empty. */
    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public void close() {
        owner.close();
        file.close();
    }

    @Override
    public String toString() {
        return file.path().toString();
    }

    private Weight weight(String name) {
        var weight = weights.get(name);
        if (weight == null) {
            throw SafetensorsFile.missing(file.path(), name, names());
        }
        return weight;
    }
}
