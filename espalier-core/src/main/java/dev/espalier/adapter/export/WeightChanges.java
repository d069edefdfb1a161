package dev.espalier.adapter.export;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.model.LanguageModel;
import org.bytedeco.pytorch.Tensor;

/** What is put into a model's weights. */
interface WeightChanges {
    /** Whether {@link #merged} changes {@code weight}. */
    boolean changes(String weight);

    /**
     * A weight with the change in it.
     *
     * @param value the frozen weight as it is stored, fp32
     * @return fp32, of the same shape, of the caller's scope
     */
    Tensor merged(String weight, Tensor value);

    /** The changes that an attached adapter makes. */
    static WeightChanges of(Adapter adapter) {
        return new WeightChanges() {
            @Override
            public boolean changes(String weight) {
                return adapter.changes(weight);
            }

            @Override
            public Tensor merged(String weight, Tensor value) {
                return adapter.merged(weight, value);
            }

            @Override
            public String toString() {
                return "adapter '" + adapter.name() + "'";
            }
        };
    }

    /** Changes that are there one weight at a time. */
    static WeightChanges of(DeltaSource changes, LanguageModel model) {
        return new WeightChanges() {
            @Override
            public boolean changes(String weight) {
                return changes.shapes().containsKey(weight);
            }

            @Override
            public Tensor merged(String weight, Tensor value) {
                return changes(weight) ? value.add(changes.stored(weight, model)) : value;
            }

            @Override
            public String toString() {
                return "adapter '" + changes.name() + "'";
            }
        };
    }
}
