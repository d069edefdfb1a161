package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
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

    /** The gates of a token: one for every expert, or for every rank of every expert. */
    int gates();

    /**
     * The experts' weights outside training, {@code [gates]}, where they are the same for all tokens, so that the experts
     * can be merged into one weight; empty where they are not.
     */
    default Optional<Tensor> staticWeights() {
        return Optional.empty();
    }

    /**
     * How many experts a token is given at most, where {@link Gate#tokens} says which; empty where it does not, and a
     * token may be given all of them.
     */
    default OptionalInt choices() {
        return OptionalInt.empty();
    }

    /** Whether a token's gates depend on that token, its sequence and its place there alone. */
    default boolean tokenwise() {
        return false;
    }

    /**
     * Moves what evens the load without a loss, after an optimizer step.
     *
     * @param load how often each expert was chosen in the step
     */
    default void balance(long[] load) {}

    /**
     * What a router decided.
     *
     * @param weights of every expert, zero where it was not chosen, {@code [rows * tokens, gates]} in {@code x}'s dtype;
     *     one row where all tokens have the same. Gates are the experts, or the ranks of all experts, expert after expert
     * @param backward takes the gradient with respect to {@code weights}, delivers the router's own and adds its share
     *     to the input's, its auxiliary loss included; null where nothing of the router needs one
     * @param tokens which tokens every expert takes, in forward; all other weights are zero and their gradients are not
     *     looked at. Null where the router does not choose
     */
    record Gate(
            Tensor weights,
            @Nullable Backward backward,
            @Nullable Supplier<ExpertTokens> tokens) {
        /** A gate that does not say who goes where. */
        Gate(Tensor weights, @Nullable Backward backward) {
            this(weights, backward, null);
        }

        /** Runs the backward pass where there is one. */
        void run(Tensor dWeights) {
            if (backward != null) {
                backward.run(dWeights);
            }
        }
    }

    /** The backward pass of a gate. */
    @FunctionalInterface
    interface Backward {
        /** @param dWeights gradient with respect to the gate's weights, {@code [rows * tokens, gates]} */
        void run(Tensor dWeights);
    }
}
