package dev.espalier.adapter;

import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Makes the weights of one module's delta, fp32 and trainable, and remembers how each lies in a file. */
public final class DeltaWeights {
    private final String module;
    private final SharedWeights shared;
    private final Source source;
    private final Owner owner;
    private final List<Stored> made = new ArrayList<>();

    /** First values of a weight, in the shape it is used in. */
    @FunctionalInterface
    interface Initial {
        Tensor draw(RandomStream random);
    }

    /** Where values come from: drawn for a new adapter, read for a saved one. */
    @FunctionalInterface
    interface Source {
        /**
         * @param key the weight's name below the module's path
         * @return the values in the shape they are used in
         */
        Tensor values(String module, String key, StoredLayout layout, Initial initial);
    }

    /** A weight, its key in a file below the module's path, and its layout there. */
    record Stored(String key, StoredLayout layout, Parameter parameter) {}

    /** Of modules that share nothing. */
    DeltaWeights(String adapter, String module, int modules, Source source, Owner owner) {
        this(module, new SharedWeights(adapter, Collections.nCopies(modules, List.of()), source, owner), source, owner);
    }

    DeltaWeights(String module, SharedWeights shared, Source source, Owner owner) {
        this.module = module;
        this.shared = shared;
        this.source = source;
        this.owner = owner;
    }

    /** New values, each weight from a stream of its own. */
    static Source drawn(RandomStream random) {
        return (module, key, layout, initial) -> initial.draw(random.at(module + "." + key));
    }

    /** How many modules the adapter changes, which losses per module are divided by. */
    int modules() {
        return shared.modules();
    }

    /** What all modules have in common. */
    SharedWeights shared() {
        return shared;
    }

    /** The weight that files call {@code MODULE.key}; while in use its name holds the adapter's, as in PEFT. */
    Parameter weight(String key, StoredLayout layout, Initial initial) {
        return make(key, layout, initial, true);
    }

    /** The same for one that no gradient trains. */
    Parameter buffer(String key, StoredLayout layout, Initial initial) {
        return make(key, layout, initial, false);
    }

    private Parameter make(String key, StoredLayout layout, Initial initial, boolean trainable) {
        try (var scope = Scope.open()) {
            var values = source.values(module, key, layout, initial).to(ScalarType.Float);
            // Copied, because a file's tensor is a view of the mapping.
            var own = owner.own(values.is_contiguous() ? values.clone() : values.contiguous());
            int dot = key.contains(".") ? key.lastIndexOf('.') : key.length();
            var name = module + "." + key.substring(0, dot) + "." + shared.adapter() + key.substring(dot);
            var parameter = new Parameter(name, own, trainable);
            made.add(new Stored(key, layout, parameter));
            return parameter;
        }
    }

    /**
     * The first {@code size} rows or columns of a shared weight: a view, frozen.
     *
     * @param axis 0 for rows, 1 for columns
     */
    Parameter part(Parameter whole, int axis, long size) {
        try (var scope = Scope.open()) {
            return new Parameter(whole.name(), owner.own(whole.value().narrow(axis, 0, size)), false);
        }
    }

    List<Stored> made() {
        return List.copyOf(made);
    }
}
