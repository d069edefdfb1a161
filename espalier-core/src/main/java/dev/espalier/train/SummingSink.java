package dev.espalier.train;

import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.IdentityHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Hands on the whole gradient of each weight where a pass runs the model several times, so that it comes in terms. The sum
 * so far of every weight is kept until its last term: in memory, one dense gradient each.
 */
final class SummingSink implements GradientSink, AutoCloseable {
    private final GradientSink sink;
    private final int terms;
    private final Map<Parameter, Sum> sums = new IdentityHashMap<>();
    private final Owner owner = new Owner();

    private record Sum(Tensor value, int terms) {}

    /** @param terms of each gradient */
    SummingSink(GradientSink sink, int terms) {
        this.sink = sink;
        this.terms = terms;
    }

    @Override
    public void add(Parameter parameter, Tensor gradient) {
        if (terms == 1) {
            sink.add(parameter, gradient);
            return;
        }
        var known = sums.remove(parameter);
        if (known == null) {
            try (var scope = Scope.open()) {
                sums.put(parameter, new Sum(owner.own(gradient.clone()), 1));
            }
            return;
        }
        known.value.add_(gradient);
        if (known.terms + 1 < terms) {
            sums.put(parameter, new Sum(known.value, known.terms + 1));
            return;
        }
        sink.add(parameter, known.value);
        owner.free(known.value);
    }

    /** Frees what is left of a pass that was given up. */
    @Override
    public void close() {
        owner.close();
    }
}
