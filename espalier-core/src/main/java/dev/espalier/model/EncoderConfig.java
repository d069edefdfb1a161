package dev.espalier.model;

import dev.espalier.error.InputException;
import tools.jackson.databind.JsonNode;

/**
 * The sizes of a BERT-like encoder, from a Hugging Face {@code config.json}.
 *
 * @param modelType {@code model_type}
 * @param hidden features of a token
 * @param layers blocks
 * @param heads attention heads
 * @param intermediate features inside the feed-forward part
 * @param vocabulary token ids
 * @param positions learned positions, the family's offset included
 * @param tokenTypes segment ids
 * @param padTokenId the id of padding
 * @param epsilon of layer normalisation
 * @param activation of the feed-forward part
 * @param hiddenDropout in training, after embeddings and on every sublayer's output
 * @param attentionDropout in training, on attention probabilities
 * @param classifierDropout in training, before a classifier; hidden dropout if the config has none
 * @param initializerRange standard deviation of new weights
 */
public record EncoderConfig(
        String modelType,
        int hidden,
        int layers,
        int heads,
        int intermediate,
        int vocabulary,
        int positions,
        int tokenTypes,
        int padTokenId,
        double epsilon,
        Activation activation,
        double hiddenDropout,
        double attentionDropout,
        double classifierDropout,
        double initializerRange) {

    /**
     * Reads the config.
     *
     * @param source the file, for errors
     * @throws InputException if a size is missing or does not fit another
     */
    public static EncoderConfig of(JsonNode config, Object source) {
        var read = new ConfigReader(config, source);
        double hiddenDropout = read.number("hidden_dropout_prob").orElse(0.1);
        var result = new EncoderConfig(
                read.text("model_type", ""),
                read.size("hidden_size"),
                read.size("num_hidden_layers"),
                read.size("num_attention_heads"),
                read.size("intermediate_size"),
                read.size("vocab_size"),
                read.size("max_position_embeddings"),
                read.number("type_vocab_size").orElse(2.0).intValue(),
                read.number("pad_token_id").orElse(0.0).intValue(),
                read.number("layer_norm_eps").orElse(1e-12),
                read.activation("hidden_act", "gelu"),
                hiddenDropout,
                read.number("attention_probs_dropout_prob").orElse(0.1),
                read.number("classifier_dropout").orElse(hiddenDropout),
                read.number("initializer_range").orElse(0.02));
        if (result.hidden % result.heads != 0) {
            throw new InputException(source + ": hidden_size " + result.hidden
                    + " is not a multiple of num_attention_heads " + result.heads + ".");
        }
        return result;
    }
}
