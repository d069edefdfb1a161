package dev.espalier.optim;

import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * Updates named fp32 parameters in place from their gradients. The parameters stay their maker's; the state (moments,
 * step counts) belongs to the optimizer and is freed with it. Not safe for use by several threads at once.
 */
public interface Optimizer extends AutoCloseable {
    /**
     * One update. A parameter whose name is missing from {@code gradients} is left as it is, with its decay and its step
     * count, as PyTorch does for a parameter without gradient.
     *
     * @param gradients of a parameter's shape each, by the parameter's name; any floating dtype
     * @param learningRate what the schedule gives for this step, times each group's multiplier
     * @throws IllegalArgumentException for a gradient of an unknown name or another shape than its parameter's
     */
    void step(Map<String, Tensor> gradients, double learningRate);

    /**
     * Begins anew with some parameters: moments and step counts as before the first step.
     *
     * @param parameters names
     * @throws IllegalArgumentException for an unknown name
     */
    void forget(Set<String> parameters);

    /**
     * Follows an exchange of a parameter's entries, which may have changed its shape: its moments become what
     * {@code entries} makes of those of {@code source}, whose step count it takes over. Where the two have moments of
     * different kinds it begins anew.
     *
     * @param parameter a name
     * @param source another's name, or the same
     * @param entries from a moment of {@code source} to one of {@code parameter}, of the caller's scope
     * @throws IllegalArgumentException for an unknown name
     */
    void exchange(String parameter, String source, UnaryOperator<Tensor> entries);

    /**
     * The tensors from which training goes on exactly: {@code PARAMETER.step} (scalar) and the moments, fp32. They are
     * the live state, not copies: write them out before the next step.
     */
    Map<String, Tensor> state();

    /**
     * Copies a saved {@link #state()} over this one.
     *
     * @throws dev.espalier.error.InputException when a tensor is missing, unknown or of another shape; nothing is
     *     changed then
     */
    void load(Map<String, Tensor> saved);

    @Override
    void close();
}
