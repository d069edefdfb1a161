package dev.espalier.optim;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What both optimizers have in common: checked parameters, their gradients, and the named tensors of the state. */
final class OptimizerState implements AutoCloseable {
    private final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Owner owner = new Owner();
    private final Function<long[], Map<String, long[]>> kinds;

    /** @param kinds the shapes of a parameter's state tensors by their kind, of the parameter's own */
    OptimizerState(List<ParameterGroup> groups, Function<long[], Map<String, long[]>> kinds) {
        this.kinds = kinds;
        for (var group : groups) {
            group.parameters().forEach((name, parameter) -> {
                if (parameter.scalar_type().intern() != ScalarType.Float || !parameter.is_contiguous()) {
                    throw new IllegalArgumentException("Parameter " + name + " must be contiguous fp32, but is "
                            + (parameter.is_contiguous() ? "" : "not contiguous, ")
                            + parameter.scalar_type().intern() + ".");
                }
                if (parameters.put(name, parameter) != null) {
                    throw new IllegalArgumentException("Parameter " + name + " stands in two groups.");
                }
                kinds.apply(parameter.shape()).forEach((kind, shape) -> addZeros(name, kind, shape));
            });
        }
    }

    /** Adds a state tensor of zeros on the parameter's device. */
    private void addZeros(String parameter, String kind, long... shape) {
        try (var scope = Scope.open()) {
            var options = parameter(parameter).options();
            tensors.put(key(parameter, kind), owner.own(torch.zeros(shape, options)));
        }
    }

    Tensor get(String parameter, String kind) {
        return named(tensors, key(parameter, kind));
    }

    Tensor parameter(String name) {
        return named(parameters, name);
    }

    Map<String, Tensor> view() {
        return Collections.unmodifiableMap(tensors);
    }

    /** The gradient in the form the update needs: fp32, contiguous, of the parameter's shape. */
    Tensor gradient(Map<String, Tensor> gradients, String name) {
        var gradient = named(gradients, name);
        var shape = parameter(name).shape();
        if (!Arrays.equals(gradient.shape(), shape)) {
            throw new IllegalArgumentException("The gradient of " + name + " has shape "
                    + Arrays.toString(gradient.shape()) + ", its parameter " + Arrays.toString(shape) + ".");
        }
        return gradient.to(ScalarType.Float).contiguous();
    }

    void requireKnown(Map<String, Tensor> gradients) {
        for (var name : gradients.keySet()) {
            if (!parameters.containsKey(name)) {
                throw new IllegalArgumentException("There is a gradient but no parameter named " + name + ".");
            }
        }
    }

    void forget(Set<String> names) {
        names.forEach(this::requireKnown);
        names.forEach(name -> kindsOf(name).forEach((kind, shape) -> begin(get(name, kind), shape)));
    }

    private void requireKnown(String name) {
        if (!parameters.containsKey(name)) {
            throw new IllegalArgumentException("There is no parameter named " + name + ".");
        }
    }

    private Map<String, long[]> kindsOf(String name) {
        return kinds.apply(parameter(name).shape());
    }

    private static void begin(Tensor tensor, long[] shape) {
        if (Arrays.equals(tensor.shape(), shape)) {
            tensor.zero_();
            return;
        }
        try (var scope = Scope.open()) {
            tensor.set_(torch.zeros(shape, tensor.options()));
        }
    }

    /** Whether every entry of the parameter has moments of its own. */
    private boolean isOfEntries(String name) {
        var shape = parameter(name).shape();
        return kindsOf(name).values().stream().allMatch(kind -> kind.length == 0 || Arrays.equals(kind, shape));
    }

    /** See {@link Optimizer#exchange}. */
    void exchange(String name, String source, UnaryOperator<Tensor> entries) {
        requireKnown(name);
        requireKnown(source);
        var wanted = kindsOf(name);
        if (!wanted.keySet().equals(kindsOf(source).keySet()) || !(name.equals(source) || isOfEntries(source))) {
            forget(Set.of(name));
            return;
        }
        try (var scope = Scope.open()) {
            wanted.forEach((kind, shape) -> {
                var old = get(source, kind);
                var made = shape.length == 0 ? old.clone() : entries.apply(old);
                if (!Arrays.equals(made.shape(), shape)) {
                    throw new IllegalArgumentException("The " + kind + " of " + name + " must have the shape "
                            + Arrays.toString(shape) + ", not " + Arrays.toString(made.shape()) + ".");
                }
                get(name, kind).set_(made.contiguous());
            });
        }
    }

    @SuppressWarnings("try") // the guard works by being open
    void load(Map<String, Tensor> saved) {
        try (var scope = Scope.open();
                var noGrad = new NoGradGuard()) {
            parameters.keySet().forEach(this::follow);
            requireSame(saved);
            tensors.forEach((name, tensor) -> tensor.copy_(named(saved, name)));
        }
    }

    /** Begins anew where the parameter has another shape by now. */
    private void follow(String name) {
        kindsOf(name).forEach((kind, shape) -> {
            if (!Arrays.equals(get(name, kind).shape(), shape)) {
                begin(get(name, kind), shape);
            }
        });
    }

    private void requireSame(Map<String, Tensor> saved) {
        var unknown = new HashSet<>(saved.keySet());
        tensors.forEach((name, tensor) -> {
            var other = saved.get(name);
            if (other == null) {
                throw new InputException("The saved optimizer state lacks " + name
                        + ": it belongs to another optimizer or adapter; start the run anew.");
            }
            if (!Arrays.equals(other.shape(), tensor.shape())) {
                throw new InputException("The saved optimizer state has " + name + " of shape "
                        + Arrays.toString(other.shape()) + ", but the adapter needs " + Arrays.toString(tensor.shape())
                        + ": it belongs to another adapter; start the run anew.");
            }
            unknown.remove(name);
        });
        if (!unknown.isEmpty()) {
            throw new InputException("The saved optimizer state holds "
                    + unknown.stream().sorted().findFirst().orElseThrow()
                    + ", which is not trained here: it belongs to another optimizer or adapter; start the run anew.");
        }
    }

    private static String key(String parameter, String kind) {
        return parameter + "." + kind;
    }

    private static Tensor named(Map<String, Tensor> tensors, String name) {
        var tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalStateException("No tensor named " + name + ".");
        }
        return tensor;
    }

    @Override
    public void close() {
        owner.close();
    }
}
