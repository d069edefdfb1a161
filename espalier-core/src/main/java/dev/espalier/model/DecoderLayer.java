package dev.espalier.model;

import dev.espalier.model.DecoderConfig.NormKind;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A transformer block that normalises its input: self-attention and a feed-forward part, each added to the residual
 * stream, with the norms, gates and fused linears that the family has.
 */
final class DecoderLayer {
    private final DecoderConfig config;
    private final List<Linear> projections;
    private final Linear attentionOutput;
    private final List<Linear> feedForward;
    private final Linear feedForwardOutput;
    private final CopyableNorm attentionNorm;
    private final @Nullable CopyableNorm afterAttentionNorm;
    private final CopyableNorm feedForwardNorm;
    private final @Nullable CopyableNorm afterFeedForwardNorm;
    private final @Nullable CopyableNorm queryNorm;
    private final @Nullable CopyableNorm keyNorm;
    private final CausalAttention attention;
    private final GatedActivation gated;
    private final Dropout attentionDropout;
    private final Dropout feedForwardDropout;

    DecoderLayer(int index, DecoderConfig config, DecoderNames names, Weights weights) {
        this.config = config;
        var path = names.layers() + index + ".";
        var linears = names.linears();
        int wide = config.heads() * config.headDim();
        int narrow = config.keyValueHeads() * config.headDim();
        var biases = config.biases();
        projections = linears(
                path, linears.projections(), List.of(wide, narrow, narrow), biases.projections(), config, weights);
        attentionOutput =
                linear(weights, path + linears.attentionOutput(), config.hidden(), wide, biases.output(), config);
        int inner = config.intermediate();
        feedForward = linears(
                path,
                linears.feedForward(),
                config.gated() ? List.of(inner, inner) : List.of(inner),
                biases.feedForward(),
                config,
                weights);
        feedForwardOutput = linear(
                weights, path + linears.feedForwardOutput(), config.hidden(), inner, biases.feedForward(), config);
        var norms = names.norms();
        attentionNorm = norm(weights, path + norms.attention(), config.hidden(), config);
        afterAttentionNorm = norm(weights, path, norms.afterAttention(), config.hidden(), config);
        feedForwardNorm = norm(weights, path + norms.feedForward(), config.hidden(), config);
        afterFeedForwardNorm = norm(weights, path, norms.afterFeedForward(), config.hidden(), config);
        queryNorm = norm(weights, path, norms.query(), config.headDim(), config);
        keyNorm = norm(weights, path, norms.key(), config.headDim(), config);
        attention = new CausalAttention(path + "attention", index, config);
        gated = new GatedActivation(config.activation());
        attentionDropout =
                new Dropout(path + "attention_dropout", config.dropout().residual());
        feedForwardDropout =
                new Dropout(path + "feed_forward_dropout", config.dropout().residual());
    }

    /** One linear for each name, or one for all outputs. */
    private static List<Linear> linears(
            String path, List<String> names, List<Integer> outs, boolean bias, DecoderConfig config, Weights weights) {
        int in = config.hidden();
        if (names.size() == 1) {
            int out = outs.stream().mapToInt(Integer::intValue).sum();
            return List.of(linear(weights, path + names.get(0), out, in, bias, config));
        }
        var linears = new ArrayList<Linear>();
        for (int i = 0; i < names.size(); i++) {
            linears.add(linear(weights, path + names.get(i), outs.get(i), in, bias, config));
        }
        return linears;
    }

    private static Linear linear(Weights weights, String path, int out, int in, boolean hasBias, DecoderConfig config) {
        var bias = hasBias ? weights.parameter(path + ".bias", out) : null;
        if (!config.storedTransposed()) {
            return new Linear(path, weights.parameter(path + ".weight", out, in), bias);
        }
        var weight = weights.parameter(path + ".weight", in, out);
        return Linear.storedTransposed(path, weight, bias, weights.transposed(weight));
    }

    static CopyableNorm norm(Weights weights, String path, int features, DecoderConfig config) {
        var weight = weights.parameter(path + ".weight", features);
        if (config.norm() == NormKind.LAYER) {
            var parameters = List.of(weight, weights.parameter(path + ".bias", features));
            return new CopyableNorm(path, parameters, p -> new LayerNorm(p.get(0), p.get(1), config.epsilon()));
        }
        int offset = config.norm() == NormKind.RMS_PLUS_ONE ? 1 : 0;
        return new CopyableNorm(path, List.of(weight), p -> new RmsNorm(p.get(0), config.epsilon(), offset));
    }

    private static @Nullable CopyableNorm norm(
            Weights weights, String path, Optional<String> name, int features, DecoderConfig config) {
        return name.map(n -> norm(weights, path + n, features, config)).orElse(null);
    }

    /** {@code [rows * tokens, hidden]} in and out. */
    Variable forward(Variable x, ForwardContext context) {
        try (var scope = Scope.open()) {
            var attended = attentionOutput.forward(attend(attentionNorm.forward(x, context), context), context);
            var middle = Residual.add(after(attended, attentionDropout, afterAttentionNorm, context), x, context);
            var fed = feedForwardOutput.forward(feed(feedForwardNorm.forward(middle, context), context), context);
            var result = Residual.add(after(fed, feedForwardDropout, afterFeedForwardNorm, context), middle, context);
            scope.keep(result.value());
            return result;
        }
    }

    private Variable attend(Variable x, ForwardContext context) {
        var parts =
                projections.stream().map(linear -> linear.forward(x, context)).toList();
        if (parts.size() == 1) {
            long narrow = (long) config.keyValueHeads() * config.headDim();
            parts = Columns.split(parts.get(0), context, (long) config.heads() * config.headDim(), narrow, narrow);
        }
        var query = queryNorm == null ? parts.get(0) : queryNorm.forward(parts.get(0), context);
        var key = keyNorm == null ? parts.get(1) : keyNorm.forward(parts.get(1), context);
        return attention.forward(query, key, parts.get(2), context);
    }

    private Variable feed(Variable x, ForwardContext context) {
        var parts =
                feedForward.stream().map(linear -> linear.forward(x, context)).toList();
        if (!config.gated()) {
            return config.activation().forward(parts.get(0), context);
        }
        if (parts.size() == 1) {
            parts = Columns.split(parts.get(0), context, config.intermediate(), config.intermediate());
        }
        return gated.forward(parts.get(0), parts.get(1), context);
    }

    private static Variable after(Variable x, Dropout dropout, @Nullable Norm norm, ForwardContext context) {
        var dropped = dropout.forward(x, context);
        return norm == null ? dropped : norm.forward(dropped, context);
    }

    List<Linear> linears() {
        return Stream.of(projections, List.of(attentionOutput), feedForward, List.of(feedForwardOutput))
                .flatMap(List::stream)
                .toList();
    }

    /** Whether something in here is adapted, or is to get a gradient itself. */
    boolean trains() {
        return linears().stream().anyMatch(Linear::trains) || norms().anyMatch(CopyableNorm::trains);
    }

    Stream<CopyableNorm> norms() {
        return Stream.of(attentionNorm, afterAttentionNorm, feedForwardNorm, afterFeedForwardNorm, queryNorm, keyNorm)
                .<CopyableNorm>mapMulti((norm, to) -> {
                    if (norm != null) {
                        to.accept(norm);
                    }
                });
    }
}
