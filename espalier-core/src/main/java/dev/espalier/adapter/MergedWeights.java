package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Parameter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** The weights of a model with an adapter in them; see {@link Adapter#merged}. */
final class MergedWeights {
    private final String method;
    private final Map<String, Adapter.Module> modules;
    private final TrainedCopies copies;

    MergedWeights(String method, Map<String, Adapter.Module> modules, TrainedCopies copies) {
        this.method = method;
        this.modules = modules;
        this.copies = copies;
    }

    Tensor of(String weight, Tensor value) {
        var copy = copyOf(weight);
        if (copy.isPresent()) {
            return copy.get().value();
        }
        var module = moduleOf(weight);
        if (module == null) {
            return mergeableOfBias(weight).map(delta -> delta.mergedBias(value)).orElse(value);
        }
        if (!(module.delta() instanceof Mergeable delta)) {
            throw new InputException("Method '" + method + "' acts on every token differently, so it can't be"
                    + " merged into a weight; export the adapter as format peft.");
        }
        return module.storedTransposed() ? delta.merged(value.t(), 0).t() : delta.merged(value, 0);
    }

    boolean changes(String weight) {
        return moduleOf(weight) != null
                || copyOf(weight).isPresent()
                || mergeableOfBias(weight).isPresent();
    }

    private Optional<Parameter> copyOf(String weight) {
        int dot = weight.lastIndexOf('.');
        return dot < 0
                ? Optional.empty()
                : copies.byModule().getOrDefault(weight.substring(0, dot), List.of()).stream()
                        .filter(stored -> stored.key().equals(weight.substring(dot + 1)))
                        .map(DeltaWeights.Stored::parameter)
                        .findFirst();
    }

    private Adapter.@Nullable Module moduleOf(String weight) {
        return weight.endsWith(".weight") ? modules.get(weight.substring(0, weight.lastIndexOf('.'))) : null;
    }

    private Optional<Mergeable> mergeableOfBias(String weight) {
        return weight.endsWith(".bias")
                ? Optional.ofNullable(modules.get(weight.substring(0, weight.lastIndexOf('.'))))
                        .map(Adapter.Module::delta)
                        .filter(Mergeable.class::isInstance)
                        .map(Mergeable.class::cast)
                        .filter(Mergeable::changesBias)
                : Optional.empty();
    }
}
