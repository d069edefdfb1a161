package dev.espalier.model;

import java.util.List;
import java.util.Optional;

/**
 * Where a decoder's weights are.
 *
 * @param prefix the path of the body with a dot at its end; bodies alone are saved without
 * @param embeddings word embeddings
 * @param positions learned positions, where there are any
 * @param layers what comes before a layer's index, with a dot at its end
 * @param finalNorm the norm after the last layer
 * @param head the output head
 */
public record DecoderNames(
        String prefix,
        String embeddings,
        Optional<String> positions,
        String layers,
        String finalNorm,
        String head,
        Linears linears,
        Norms norms) {

    /**
     * A layer's linears, relative to the layer.
     *
     * @param projections queries, keys and values; one name for all three where they are one linear
     * @param attentionOutput after attention
     * @param feedForward gate and up; one name where they are one linear, or where there is no gate
     * @param feedForwardOutput the end of the feed-forward part
     */
    public record Linears(
            List<String> projections, String attentionOutput, List<String> feedForward, String feedForwardOutput) {}

    /**
     * A layer's norms, relative to the layer.
     *
     * @param attention before attention
     * @param afterAttention on what attention gives, where there is one
     * @param feedForward before the feed-forward part
     * @param afterFeedForward on what the feed-forward part gives, where there is one
     * @param query of each head's queries, where there is one
     * @param key the same of keys
     */
    public record Norms(
            String attention,
            Optional<String> afterAttention,
            String feedForward,
            Optional<String> afterFeedForward,
            Optional<String> query,
            Optional<String> key) {
        /** Before both parts of a layer, and nowhere else. */
        public static Norms before(String attention, String feedForward) {
            return new Norms(
                    attention, Optional.empty(), feedForward, Optional.empty(), Optional.empty(), Optional.empty());
        }

        /** The same with norms of each head's queries and keys. */
        public Norms withQueryAndKey(String query, String key) {
            return new Norms(
                    attention, afterAttention, feedForward, afterFeedForward, Optional.of(query), Optional.of(key));
        }
    }

    /** Llama's names, which most families have taken over. */
    public static final DecoderNames LLAMA = new DecoderNames(
            "model.",
            "model.embed_tokens",
            Optional.empty(),
            "model.layers.",
            "model.norm",
            "lm_head",
            new Linears(
                    List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                    "self_attn.o_proj",
                    List.of("mlp.gate_proj", "mlp.up_proj"),
                    "mlp.down_proj"),
            Norms.before("input_layernorm", "post_attention_layernorm"));

    /** The same with other linears. */
    public DecoderNames with(Linears other) {
        return new DecoderNames(prefix, embeddings, positions, layers, finalNorm, head, other, norms);
    }

    /** The same with other norms. */
    public DecoderNames with(Norms other) {
        return new DecoderNames(prefix, embeddings, positions, layers, finalNorm, head, linears, other);
    }
}
