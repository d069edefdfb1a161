package dev.espalier.model;

import java.util.List;
import java.util.Optional;

/**
 * The sizes of a decoder and what differs from family to family, from a Hugging Face {@code config.json}.
 *
 * @param modelType {@code model_type}
 * @param hidden features of a token
 * @param heads attention heads
 * @param keyValueHeads heads of keys and values, each shared by {@code heads / keyValueHeads} query heads
 * @param headDim features of a head
 * @param intermediate features inside the feed-forward part
 * @param vocabulary token ids
 * @param maxTokens positions
 * @param norm the kind of normalisation
 * @param epsilon of the normalisation
 * @param activation of the feed-forward part
 * @param gated whether the feed-forward part multiplies by a gate
 * @param biases which linears have a bias
 * @param storedTransposed whether linears are stored {@code [in, out]}, as GPT-2's are
 * @param tied whether the output head is the embedding
 * @param embeddingScale what embeddings are multiplied by
 * @param attentionScale what attention scores are multiplied by
 * @param attentionCap {@code c} in {@code c tanh(score / c)}, 0 for none
 * @param logitCap the same for the logits
 * @param layers what differs from layer to layer
 * @param dropout in training
 * @param initializerRange standard deviation of new weights
 */
public record DecoderConfig(
        String modelType,
        int hidden,
        int heads,
        int keyValueHeads,
        int headDim,
        int intermediate,
        int vocabulary,
        int maxTokens,
        NormKind norm,
        double epsilon,
        Activation activation,
        boolean gated,
        Biases biases,
        boolean storedTransposed,
        boolean tied,
        double embeddingScale,
        double attentionScale,
        double attentionCap,
        double logitCap,
        List<Layer> layers,
        DropoutRates dropout,
        double initializerRange) {

    /** Kinds of normalisation. */
    public enum NormKind {
        /** {@code x / rms(x) · w}. */
        RMS,
        /** {@code x / rms(x) · (1 + w)}, as Gemma stores it. */
        RMS_PLUS_ONE,
        /** With mean and bias. */
        LAYER
    }

    /**
     * Which linears have a bias.
     *
     * @param projections queries, keys and values
     * @param output of attention
     * @param feedForward all of the feed-forward part
     */
    public record Biases(boolean projections, boolean output, boolean feedForward) {
        /** None. */
        public static final Biases NONE = new Biases(false, false, false);
    }

    /**
     * What differs from layer to layer.
     *
     * @param window how many tokens back a query sees, itself included; 0 for all
     * @param rope empty where positions are learned
     */
    public record Layer(int window, Optional<Rope> rope) {}

    /** Probabilities of dropout in training: on embeddings, attention weights, and what is added to the residual. */
    public record DropoutRates(double embedding, double attention, double residual) {}

    public DecoderConfig {
        layers = List.copyOf(layers);
    }
}
