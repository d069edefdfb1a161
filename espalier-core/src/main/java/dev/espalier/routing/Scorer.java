package dev.espalier.routing;

import dev.espalier.tensor.Parameter;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** How a router comes from a token to its scores: one for every gate. Products run in the input's dtype. */
public sealed interface Scorer permits LinearScorer, MlpScorer, PrototypeScorer, ArrowScorer {
    /** The scorer's weights. */
    List<Parameter> parameters();

    /** Scores of a token. */
    int width();

    /** Scores tokens. */
    Pass of(ScorerInput input);

    /** What a forward pass leaves for the backward pass. */
    interface Pass {
        /** {@code [tokens, width]}, fp32. */
        Tensor scores();

        /** Keeps what backward needs on the tape. */
        void save();

        /**
         * Delivers the gradients of the scorer's weights and adds to the input's.
         *
         * @param dScores {@code [tokens, width]}, fp32
         */
        void backward(Tensor dScores);
    }
}
