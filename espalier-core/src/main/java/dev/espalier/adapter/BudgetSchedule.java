package dev.espalier.adapter;

import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * What changes the budget of an adapter while it trains: ranks that are masked, grown, or merged and begun anew. Its
 * adapter's spec gives it, and whoever trains tells it of every step without knowing the method. What it changes in the
 * adapter are weights of the adapter, trained or frozen; all else that it must know to go on is its {@link #state}.
 */
public interface BudgetSchedule extends AutoCloseable {
    /**
     * Called when the optimizer has updated the weights.
     *
     * @param step from 0
     * @param gradients as the optimizer got them, by the parameter's name
     * @return names of parameters that begin anew: the optimizer is to forget their moments and step counts
     */
    Set<String> afterUpdate(int step, Map<String, Tensor> gradients);

    /** The rank that each module has now, by its path. */
    Map<String, Integer> ranks();

    /** The tensors from which the schedule goes on exactly, by name: live, not copies. */
    Map<String, Tensor> state();

    /**
     * Copies a saved {@link #state()} over this one.
     *
     * @throws dev.espalier.error.InputException if it is another adapter's
     */
    void load(Map<String, Tensor> saved);

    @Override
    void close();
}
