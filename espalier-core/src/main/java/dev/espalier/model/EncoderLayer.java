package dev.espalier.model;

import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.stream.Stream;

/**
 * A post-norm transformer block as BERT has it: self-attention and a feed-forward part, each followed by dropout, the
 * residual sum and layer normalisation.
 */
final class EncoderLayer {
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear attentionOutput;
    private final Linear intermediate;
    private final Linear output;
    private final LayerNorm attentionNorm;
    private final LayerNorm outputNorm;
    private final SelfAttention attention;
    private final Activation activation;
    private final Dropout attentionDropout;
    private final Dropout outputDropout;

    EncoderLayer(String path, EncoderConfig config, Weights weights) {
        int hidden = config.hidden();
        query = linear(weights, path + ".attention.self.query", hidden, hidden);
        key = linear(weights, path + ".attention.self.key", hidden, hidden);
        value = linear(weights, path + ".attention.self.value", hidden, hidden);
        attentionOutput = linear(weights, path + ".attention.output.dense", hidden, hidden);
        intermediate = linear(weights, path + ".intermediate.dense", config.intermediate(), hidden);
        output = linear(weights, path + ".output.dense", hidden, config.intermediate());
        attentionNorm = norm(weights, path + ".attention.output.LayerNorm", config);
        outputNorm = norm(weights, path + ".output.LayerNorm", config);
        attention = new SelfAttention(path + ".attention.self", config.heads(), config.attentionDropout());
        activation = config.activation();
        attentionDropout = new Dropout(path + ".attention.output.dropout", config.hiddenDropout());
        outputDropout = new Dropout(path + ".output.dropout", config.hiddenDropout());
    }

    static Linear linear(Weights weights, String path, int out, int in) {
        return new Linear(path, weights.parameter(path + ".weight", out, in), weights.parameter(path + ".bias", out));
    }

    static LayerNorm norm(Weights weights, String path, EncoderConfig config) {
        return new LayerNorm(
                weights.parameter(path + ".weight", config.hidden()),
                weights.parameter(path + ".bias", config.hidden()),
                config.epsilon());
    }

    /** {@code [rows * tokens, hidden]} in and out. */
    Variable forward(Variable x, ForwardContext context) {
        try (var scope = Scope.open()) {
            var attended = attention.forward(
                    query.forward(x, context), key.forward(x, context), value.forward(x, context), context);
            var result = afterAttention(attended, x, context);
            scope.keep(result.value());
            return result;
        }
    }

    /**
     * The first tokens of {@link #forward}, {@code [rows, hidden]}. All tokens are attended to; what follows attention is
     * computed for the first ones alone, unless a delta there looks at others.
     */
    Variable firstTokens(Variable x, ForwardContext context) {
        try (var scope = Scope.open()) {
            Variable result;
            if (Stream.of(attentionOutput, intermediate, output).allMatch(Linear::tokenwise)) {
                var queries = FirstTokens.of(query.forward(x, context), context);
                var attended = attention.forward(queries, key.forward(x, context), value.forward(x, context), context);
                result = afterAttention(attended, FirstTokens.of(x, context), context.perSequence());
            } else {
                result = FirstTokens.of(forward(x, context), context);
            }
            scope.keep(result.value());
            return result;
        }
    }

    private Variable afterAttention(Variable attended, Variable x, ForwardContext context) {
        try (var scope = Scope.open()) {
            var projected = attentionDropout.forward(attentionOutput.forward(attended, context), context);
            var middle = attentionNorm.forward(projected, x, context);
            var wide = activation.forward(intermediate.forward(middle, context), context);
            var narrow = outputDropout.forward(output.forward(wide, context), context);
            var result = outputNorm.forward(narrow, middle, context);
            scope.keep(result.value());
            return result;
        }
    }

    /** Whether something in here is adapted, or is to get a gradient itself. */
    boolean trains() {
        return linears().stream().anyMatch(Linear::trains)
                || Stream.of(attentionNorm, outputNorm)
                        .flatMap(norm -> norm.parameters().stream())
                        .anyMatch(Parameter::trainable);
    }

    List<Linear> linears() {
        return List.of(query, key, value, attentionOutput, intermediate, output);
    }
}
