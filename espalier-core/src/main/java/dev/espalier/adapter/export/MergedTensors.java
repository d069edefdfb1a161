package dev.espalier.adapter.export;

import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The tensors of a model with an adapter and trained heads in them, under their full Hugging Face names: what nothing
 * changed as the checkpoint has it, the rest fp32. A head that was tied to embeddings which no longer are its own gets a
 * tensor of its own.
 */
final class MergedTensors implements TensorSource {
    private final TensorSource source;
    private final WeightChanges adapter;
    private final Map<String, Origin> origins = new LinkedHashMap<>();
    private final Map<String, Tensor> made = new HashMap<>();
    private final Owner owner = new Owner();
    private final boolean untied;

    /**
     * Where a tensor comes from.
     *
     * @param key the checkpoint's name, for what it has
     * @param head the trained weight, for what it has not, or in another form
     */
    private record Origin(Optional<String> key, Optional<Parameter> head) {}

    /**
     * @param source the checkpoint of {@code model}; it stays open
     * @param model with its heads; it and the adapter live longer than this
     */
    MergedTensors(TensorSource source, LanguageModel model, WeightChanges adapter) {
        this.source = source;
        this.adapter = adapter;
        var fullNames = new HashMap<String, String>();
        var weights = model.weights();
        weights.parameters().keySet().forEach(name -> weights.storedAs(name)
                .ifPresent(key -> fullNames.put(key, name)));
        source.names()
                .forEach(key ->
                        origins.put(fullNames.getOrDefault(key, key), new Origin(Optional.of(key), Optional.empty())));
        model.heads().values().stream()
                .flatMap(head -> head.linears().stream())
                .flatMap(linear -> linear.parameters().stream())
                .filter(p -> !weights.parameters().containsKey(p.name()))
                .forEach(p -> {
                    weights.storedAs(p.name()).ifPresent(origins::remove);
                    origins.put(p.name(), new Origin(Optional.empty(), Optional.of(p)));
                });
        untied = model instanceof DecoderModel decoder && untie(decoder);
    }

    private boolean untie(DecoderModel model) {
        var embeddings = model.names().embeddings() + ".weight";
        var head = model.names().head() + ".weight";
        if (!model.config().tied() || !(adapter.changes(embeddings) || adapter.changes(head))) {
            return false;
        }
        origins.put(head, Objects.requireNonNull(origins.get(embeddings)));
        return true;
    }

    /** Whether the head has a tensor of its own that it had not in the checkpoint. */
    boolean untied() {
        return untied;
    }

    private boolean isChanged(String name) {
        return origin(name).head.isPresent() || adapter.changes(name);
    }

    private Origin origin(String name) {
        return Objects.requireNonNull(origins.get(name), name);
    }

    /** The checkpoint's name of what {@code name} is made of, if it has it. */
    Optional<String> key(String name) {
        return origin(name).key;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(origins.keySet());
    }

    @Override
    public TensorInfo info(String name) {
        return isChanged(name) ? new TensorInfo(ScalarType.Float, shape(name)) : stored(name);
    }

    private TensorInfo stored(String name) {
        return source.info(origin(name).key.orElseThrow());
    }

    private List<Long> shape(String name) {
        return origin(name)
                .head
                .map(p -> Arrays.stream(p.shape()).boxed().toList())
                .orElseGet(() -> stored(name).shape());
    }

    @Override
    public Tensor tensor(String name) {
        if (!isChanged(name)) {
            return source.tensor(origin(name).key.orElseThrow());
        }
        return made.computeIfAbsent(name, n -> {
            try (var scope = Scope.open()) {
                return owner.own(merged(n).clone());
            }
        });
    }

    /** Computed anew, of the caller's scope. */
    private Tensor merged(String name) {
        var origin = origin(name);
        var value = origin.head.map(Parameter::value).orElseGet(() -> source.tensor(origin.key.orElseThrow())
                .to(ScalarType.Float));
        return adapter.merged(name, value);
    }

    /** The tensor in the checkpoint's dtype; weights that are new there in {@code dtype}. */
    LazyTensor rounded(String name, ScalarType dtype) {
        if (!isChanged(name)) {
            return new LazyTensor(stored(name), () -> tensor(name));
        }
        var rounded = origin(name).key.isPresent() ? stored(name).dtype() : dtype;
        return new LazyTensor(new TensorInfo(rounded, shape(name)), () -> {
            var merged = merged(name);
            return Engine.dtype(merged) == rounded ? merged : merged.to(rounded);
        });
    }

    @Override
    public Map<String, String> metadata() {
        return source.metadata();
    }

    /** Frees what was made; the checkpoint stays open. */
    @Override
    public void close() {
        owner.close();
    }

    @Override
    public String toString() {
        return source + " with " + adapter;
    }
}
