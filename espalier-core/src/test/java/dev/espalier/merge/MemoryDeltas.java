package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/** Changes that are there already. */
public record MemoryDeltas(String name, String kind, Map<String, WeightDelta> deltas) implements DeltaSource {
    public static MemoryDeltas dense(String name, Map<String, Tensor> values) {
        var deltas = new LinkedHashMap<String, WeightDelta>();
        values.forEach((weight, value) -> deltas.put(weight, new WeightDelta.Dense(value)));
        return new MemoryDeltas(name, "full", deltas);
    }

    MemoryDeltas map(UnaryOperator<Tensor> change) {
        var changed = new LinkedHashMap<String, Tensor>();
        deltas.forEach((weight, delta) -> changed.put(weight, change.apply(delta.dense())));
        return dense(name, changed);
    }

    @Override
    public Map<String, List<Long>> shapes() {
        var shapes = new LinkedHashMap<String, List<Long>>();
        deltas.forEach((weight, delta) ->
                shapes.put(weight, Arrays.stream(delta.dense().shape()).boxed().toList()));
        return shapes;
    }

    @Override
    public WeightDelta delta(String weight) {
        var delta = Objects.requireNonNull(deltas.get(weight), weight);
        return delta instanceof WeightDelta.Dense dense
                ? new WeightDelta.Dense(dense.values().clone())
                : delta;
    }

    @Override
    public void close() {
        // Whoever made the tensors frees them.
    }
}
