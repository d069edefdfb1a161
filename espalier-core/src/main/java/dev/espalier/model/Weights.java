package dev.espalier.model;

import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Finds a model's weights in a checkpoint: with or without the model's prefix, with {@code gamma} and {@code beta} for
 * a norm's weight and bias as old checkpoints have them, and in the wanted dtype (mapped where the file has it,
 * converted once where not).
 */
public final class Weights implements AutoCloseable {
    private final TensorSource source;
    private final String prefix;
    private final ScalarType dtype;
    private final Owner owner = new Owner();
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Set<String> used = new LinkedHashSet<>();
    private final Set<String> initialised = new LinkedHashSet<>();

    /**
     * @param prefix the path of the body in a model with a head, such as {@code bert.}; bodies alone are saved without
     * @param dtype the dtype of the frozen weights
     */
    public Weights(TensorSource source, String prefix, ScalarType dtype) {
        this.source = source;
        this.prefix = prefix;
        this.dtype = dtype;
    }

    /**
     * The frozen weight called {@code name}.
     *
     * @throws InputException if it is missing or has another shape
     */
    public Parameter parameter(String name, long... shape) {
        return find(name, shape)
                .orElseThrow(() -> new InputException(
                        "Weight '" + name + "' of shape " + Arrays.toString(shape) + " is missing in " + source + "."));
    }

    /**
     * The frozen weight called {@code name}, if the checkpoint has it.
     *
     * @throws InputException if it has another shape
     */
    public Optional<Parameter> find(String name, long... shape) {
        var known = parameters.get(name);
        if (known != null) {
            return Optional.of(known);
        }
        return stored(name).map(key -> {
            check(name, key, source.info(key), shape);
            var parameter = new Parameter(name, source.tensor(key, dtype, owner), false);
            parameters.put(name, parameter);
            return parameter;
        });
    }

    /** A trainable fp32 copy of the weight called {@code name}, if the checkpoint has it in that shape. */
    public Optional<Parameter> copy(String name, long... shape) {
        if (!has(name, shape)) {
            return Optional.empty();
        }
        try (var scope = Scope.open()) {
            var stored = source.tensor(stored(name).orElseThrow());
            return Optional.of(new Parameter(name, owner.own(stored.clone().to(ScalarType.Float)), true));
        }
    }

    /** A new trainable fp32 weight. */
    public Parameter fresh(String name, Tensor value) {
        initialised.add(name);
        return new Parameter(name, owner.own(value), true);
    }

    /** Whether the checkpoint has a weight of that name and shape. */
    public boolean has(String name, long... shape) {
        return stored(name).filter(key -> fits(source.info(key), shape)).isPresent();
    }

    /** The checkpoint's own name of the weight called {@code name}, if it has it. */
    public Optional<String> storedAs(String name) {
        return candidates(name).filter(source.names()::contains).findFirst();
    }

    private Optional<String> stored(String name) {
        var found = storedAs(name);
        found.ifPresent(used::add);
        return found;
    }

    private Stream<String> candidates(String name) {
        var candidates = new ArrayList<String>();
        for (var plain : name.startsWith(prefix) ? List.of(name, name.substring(prefix.length())) : List.of(name)) {
            candidates.add(plain);
            candidates.add(plain.replaceFirst("LayerNorm\\.weight$", "LayerNorm.gamma")
                    .replaceFirst("LayerNorm\\.bias$", "LayerNorm.beta"));
        }
        return candidates.stream();
    }

    private void check(String name, String key, TensorInfo info, long[] expected) {
        if (!fits(info, expected)) {
            throw new InputException("Weight '" + name + "' must have shape " + Arrays.toString(expected) + ", but '"
                    + key + "' in " + source + " has " + info.shape()
                    + "; do config.json and the weights belong together?");
        }
    }

    private static boolean fits(TensorInfo info, long[] shape) {
        return info.shape().equals(Arrays.stream(shape).boxed().toList());
    }

    /** A view that lives as long as the weights. */
    Tensor transposed(Parameter parameter) {
        try (var scope = Scope.open()) {
            return owner.own(parameter.value().t());
        }
    }

    /** Names in the checkpoint that nothing asked for. */
    public Set<String> unused() {
        var unused = new LinkedHashSet<>(source.names());
        unused.removeAll(used);
        return unused;
    }

    /** Names of the weights that {@link #fresh} gave because the checkpoint has none that fit. */
    public Set<String> initialised() {
        return Collections.unmodifiableSet(initialised);
    }

    /** Where the weights come from, for messages. */
    @Override
    public String toString() {
        return source.toString();
    }

    /** All weights found so far, by their full names. */
    public Map<String, Parameter> parameters() {
        return parameters;
    }

    @Override
    public void close() {
        owner.close();
        source.close();
    }
}
