package dev.espalier.adapter;

import dev.espalier.model.LanguageModel;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * What an adapter adds to a model's weights, one weight at a time: nothing is read before it is asked for, and nothing of
 * it is kept.
 */
public interface DeltaSource extends AutoCloseable {
    /** The adapter's name in tables and messages. */
    String name();

    /** How it is composed, in a word: the method's name, such as {@code lora}. */
    String kind();

    /**
     * The weights that change, by their full names, such as {@code encoder.layer.0.attention.self.query.weight}, with the
     * shapes of their changes: of a linear {@code [out, in]}, whatever way the weight is stored.
     */
    Map<String, List<Long>> shapes();

    /**
     * The change of one weight.
     *
     * @param weight one of {@link #shapes}
     * @return of the caller's scope, fp32; a {@link WeightDelta.Dense} may be changed in place
     * @throws dev.espalier.error.InputException if the adapter does to each token something else there
     */
    WeightDelta delta(String weight);

    /** All numbers of the change of one weight, as {@code model} stores it: {@code [in, out]} of a {@code Conv1D}. */
    default Tensor stored(String weight, LanguageModel model) {
        var linear = model.linears().get(weight.substring(0, weight.lastIndexOf('.')));
        var dense = delta(weight).dense();
        return linear != null && linear.isStoredTransposed() && dense.dim() == 2 ? dense.t() : dense;
    }

    @Override
    void close();
}
