package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Weighs the experts of one module for every token. */
public interface Router {
    /**
     * Routes tokens.
     *
     * @param x the module's input without adapter dropout, {@code [rows * tokens, in]}
     */
    Gate route(Variable x, ForwardContext context);

    /** The router's weights. */
    List<Parameter> parameters();

    /**
     * What a router decided.
     *
     * @param weights of every expert, zero where it was not chosen, {@code [rows * tokens, experts]} in {@code x}'s dtype
     * @param backward takes the gradient with respect to {@code weights}, delivers the router's own and adds its share
     *     to the input's, its auxiliary loss included; null where nothing of the router needs one
     */
    record Gate(Tensor weights, @Nullable Backward backward) {}

    /** The backward pass of a gate. */
    @FunctionalInterface
    interface Backward {
        /** @param dWeights gradient with respect to the gate's weights, {@code [rows * tokens, experts]} */
        void run(Tensor dWeights);
    }
}
