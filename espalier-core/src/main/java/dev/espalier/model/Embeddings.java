package dev.espalier.model;

import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Word, position and token type embeddings, summed, normalised, with dropout. */
final class Embeddings {
    private final Parameter words;
    private final Parameter positions;
    private final Parameter types;
    private final LayerNorm norm;
    private final Dropout dropout;
    private final EncoderFamily family;
    private final EncoderConfig config;

    Embeddings(String path, EncoderFamily family, EncoderConfig config, Weights weights) {
        this.family = family;
        this.config = config;
        int hidden = config.hidden();
        words = weights.parameter(path + ".word_embeddings.weight", config.vocabulary(), hidden);
        positions = weights.parameter(path + ".position_embeddings.weight", config.positions(), hidden);
        types = weights.parameter(path + ".token_type_embeddings.weight", config.tokenTypes(), hidden);
        norm = EncoderLayer.norm(weights, path + ".LayerNorm", config);
        dropout = new Dropout(path + ".dropout", config.hiddenDropout());
    }

    /** Ids and token types {@code [rows * tokens]} to {@code [rows * tokens, hidden]}. */
    Variable forward(long[] inputIds, long[] tokenTypeIds, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.EMBEDDING)) {
            var ids = tape.save(torch.tensor(inputIds));
            var places = tape.save(torch.tensor(family.positions(inputIds, context.tokens(), config)));
            var segments = tape.save(torch.tensor(tokenTypeIds));
            var sum = torch.index_select(words.value(), 0, ids);
            sum.add_(torch.index_select(positions.value(), 0, places));
            sum.add_(torch.index_select(types.value(), 0, segments));
            boolean trains = tape.trains(words) || tape.trains(positions) || tape.trains(types);
            var summed = tape.record(scope, sum, trains, dY -> {
                deliver(tape, words, ids, dY, config.padTokenId());
                deliver(tape, positions, places, dY, family.positionPadding(config));
                deliver(tape, types, segments, dY, -1);
            });
            var result = dropout.forward(norm.forward(summed, context), context);
            scope.keep(result.value());
            return result;
        }
    }

    /** Whether one of the tables, or the norm, is to train. */
    boolean trains() {
        return Stream.concat(Stream.of(words, positions, types), norm.parameters().stream())
                .anyMatch(Parameter::trainable);
    }

    private static void deliver(Tape tape, Parameter table, Tensor indices, Tensor dY, long padding) {
        if (tape.trains(table)) {
            tape.deliver(table, torch.embedding_dense_backward(dY, indices, table.shape()[0], padding, false));
        }
    }

    Parameter words() {
        return words;
    }
}
