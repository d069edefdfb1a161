package dev.espalier.train;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A copy of trained weights in memory: the best checkpoint so far. */
final class Snapshot implements AutoCloseable {
    private final Owner owner = new Owner();
    private final List<Parameter> parameters;
    private final Map<String, Tensor> copies = new LinkedHashMap<>();

    /** Copies {@code parameters} as they are now. */
    Snapshot(List<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
        try (var scope = Scope.open()) {
            for (var parameter : parameters) {
                copies.put(parameter.name(), owner.own(parameter.value().clone()));
            }
        }
    }

    /** Copies the parameters again. */
    void take() {
        parameters.forEach(parameter -> copyInto(copy(parameter), parameter.value()));
    }

    /** Sets the parameters to the copies. */
    void restore() {
        parameters.forEach(parameter -> set(parameter, copy(parameter)));
    }

    /**
     * Sets the copies to saved ones.
     *
     * @throws InputException if one is missing or of another shape
     */
    void load(Map<String, Tensor> saved) {
        parameters.forEach(parameter -> copyInto(copy(parameter), find(parameter, saved)));
    }

    /**
     * Sets {@code parameters} to saved values.
     *
     * @throws InputException if one is missing or of another shape
     */
    static void load(List<Parameter> parameters, Map<String, Tensor> saved) {
        parameters.forEach(parameter -> set(parameter, find(parameter, saved)));
    }

    private static Tensor find(Parameter parameter, Map<String, Tensor> saved) {
        var value = saved.get(parameter.name());
        boolean fits = value != null && (parameter.resizable() || Arrays.equals(value.shape(), parameter.shape()));
        if (value == null || !fits) {
            throw new InputException("The saved state has " + (value == null ? "no weight " : "another shape for ")
                    + parameter.name() + ": it belongs to another model, adapter or task; start the run anew.");
        }
        return value;
    }

    private static void set(Parameter parameter, Tensor value) {
        if (Arrays.equals(value.shape(), parameter.shape())) {
            parameter.value().copy_(value);
        } else {
            parameter.resize(value);
        }
    }

    private static void copyInto(Tensor copy, Tensor value) {
        if (Arrays.equals(value.shape(), copy.shape())) {
            copy.copy_(value);
            return;
        }
        try (var scope = Scope.open()) {
            copy.set_(value.clone());
        }
    }

    private Tensor copy(Parameter parameter) {
        var copy = copies.get(parameter.name());
        if (copy == null) {
            throw new IllegalStateException("there is no copy of " + parameter);
        }
        return copy;
    }

    /** The copies by the parameters' names. */
    Map<String, Tensor> tensors() {
        return copies;
    }

    @Override
    public void close() {
        owner.close();
    }
}
