package dev.espalier.tensor;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Sums gradients in fp32, one buffer a parameter, reused from step to step. Not safe for several threads. */
public final class Gradients implements GradientSink, AutoCloseable {
    private final Owner owner = new Owner();
    private final Map<Parameter, Tensor> sums = new IdentityHashMap<>();
    private final List<Parameter> parameters;

    /** Buffers of zeros for {@code parameters}; gradients of others are passed over. */
    public Gradients(List<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
        try (var scope = Scope.open()) {
            var options = Engine.options(ScalarType.Float);
            for (var p : this.parameters) {
                sums.put(p, owner.own(torch.zeros(p.shape(), options)));
            }
        }
    }

    @Override
    public void add(Parameter parameter, Tensor gradient) {
        var sum = sums.get(parameter);
        if (sum != null) {
            sum.add_(gradient);
        }
    }

    /** Adds all of {@code other}'s sums to these. */
    public void add(Gradients other) {
        for (var p : parameters) {
            add(p, other.of(p));
        }
    }

    /** The sum for {@code parameter}, of its shape, fp32; owned by this object. */
    public Tensor of(Parameter parameter) {
        var sum = sums.get(parameter);
        if (sum == null) {
            throw new IllegalArgumentException("no gradient is collected for " + parameter);
        }
        return sum;
    }

    /** All sums by parameter name, in the order the parameters were given. */
    public Map<String, Tensor> byName() {
        var byName = new LinkedHashMap<String, Tensor>();
        for (var p : parameters) {
            byName.put(p.name(), of(p));
        }
        return byName;
    }

    /** Sets every sum to zero, in the shape that its parameter has now. */
    public void clear() {
        try (var scope = Scope.open()) {
            sums.forEach((parameter, sum) -> {
                if (Arrays.equals(sum.shape(), parameter.shape())) {
                    sum.zero_();
                } else {
                    sum.set_(torch.zeros(parameter.shape(), sum.options()));
                }
            });
        }
    }

    @Override
    public void close() {
        owner.close();
    }
}
