package dev.espalier.adapter;

import dev.espalier.optim.Optimizer;
import dev.espalier.tensor.GradientSink;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;

/**
 * What changes the budget of an adapter while it trains: ranks that are masked, grown, or merged and begun anew. Its
 * adapter's spec gives it, and whoever trains tells it of every step without knowing the method. What it changes in the
 * adapter are weights of the adapter, trained or frozen; all else that it must know to go on is its {@link #state}.
 */
public interface BudgetSchedule extends AutoCloseable {
    /**
     * Called before each step. The adapter's weights may be changed here, resizable ones in shape too, and their moments
     * with them.
     *
     * @param step from 0
     * @param pass runs the step's first micro-batch forward and backward, and updates nothing: the gradients of whatever
     *     is trainable then go to the sink it is given, one at a time
     * @param optimizer of the run
     */
    default void beforeStep(int step, Consumer<GradientSink> pass, Optimizer optimizer) {}

    /**
     * What takes gradients of weights that are none of the run's own in the passes of a step, and may update them at once;
     * the micro-batches of such a step run one after another, by one worker.
     *
     * @param step from 0
     * @param learningRate of the step
     * @param microBatches of the step
     */
    default Optional<GradientSink> sink(int step, double learningRate, int microBatches) {
        return Optional.empty();
    }

    /** Called before the adapter's weights are judged or saved: they are to stand for all that was trained. */
    default void settle() {}

    /**
     * Called when the optimizer has updated the weights.
     *
     * @param step from 0
     * @param gradients as the optimizer got them, by the parameter's name
     * @return names of parameters that begin anew: the optimizer is to forget their moments and step counts
     */
    Set<String> afterUpdate(int step, Map<String, Tensor> gradients);

    /** The rank that each module has now, by its path; none where the budget is no rank. */
    default Map<String, Integer> ranks() {
        return Map.of();
    }

    /**
     * The tensors from which the schedule goes on exactly, by name: live, not copies. None where step and adapter say all.
     */
    default Map<String, Tensor> state() {
        return Map.of();
    }

    /**
     * Copies a saved {@link #state()} over this one.
     *
     * @throws dev.espalier.error.InputException if it is another adapter's
     */
    default void load(Map<String, Tensor> saved) {}

    @Override
    void close();
}
