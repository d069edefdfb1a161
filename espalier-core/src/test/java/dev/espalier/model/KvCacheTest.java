package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Passes that begin where the cache ends give what whole passes give, wherever prompts are padded. */
class KvCacheTest {
    private static final int[] PROMPTS = {13, 4, 9};
    private static final int STEPS = 80; // more than the first buffers hold

    /** Token {@code place} of sequence {@code row}: fixed, so that a difference shows in the logits alone. */
    private static long id(int row, int place) {
        return (row * 31L + place * 17L) % 250 + 4;
    }

    private static Layout ones(int rows) {
        var lengths = new int[rows];
        Arrays.fill(lengths, 1);
        return Layout.rightPadded(1, lengths);
    }

    private static Tensor logits(DecoderModel model, long[] ids, int[] places, ForwardContext context) {
        return model.lmHead().logits(model.hidden(ids, context, state -> {}), places, context);
    }

    /** The logits after {@code length} tokens of one sequence, from a pass over all of them. */
    private static Tensor alone(DecoderModel model, int row, int length) {
        var ids = IntStream.range(0, length).mapToLong(place -> id(row, place)).toArray();
        try (var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(length, length))) {
            return logits(model, ids, new int[] {length - 1}, context);
        }
    }

    private static Tensor prefill(DecoderModel model, Layout layout, KvCache cache) {
        var ids = new long[layout.rows() * layout.tokens()];
        var last = new int[layout.rows()];
        for (var segment : layout.segments()) {
            int first = layout.first(segment);
            last[segment.row()] = first + segment.length() - 1;
            for (int i = 0; i < segment.length(); i++) {
                ids[first + i] = id(segment.row(), i);
            }
        }
        try (var context = ForwardContext.cached(layout, cache)) {
            return logits(model, ids, last, context);
        }
    }

    private static Tensor step(DecoderModel model, List<Integer> sequences, KvCache cache) {
        int rows = sequences.size();
        var ids = IntStream.range(0, rows)
                .mapToLong(row -> id(sequences.get(row), cache.length(row)))
                .toArray();
        try (var context = ForwardContext.cached(ones(rows), cache)) {
            return logits(model, ids, IntStream.range(0, rows).toArray(), context);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "qwen3", "phi3", "gemma2", "gpt2"})
    void promptsPaddedAtEitherSideGoOnAsAloneAlsoWhenOthersLeave(String name) {
        try (var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            for (var layout : List.of(Layout.rightPadded(13, PROMPTS), Layout.leftPadded(14, PROMPTS))) {
                try (var cache = new KvCache(PROMPTS.length)) {
                    compare(prefill(model, layout, cache), List.of(0, 1, 2), cache, model);
                    var live = List.of(0, 1, 2);
                    for (int step = 0; step < STEPS; step++) {
                        if (step == 2) {
                            cache.keep(1, 2);
                            live = List.of(1, 2);
                        } else if (step == 60) {
                            cache.keep(1);
                            live = List.of(2);
                        }
                        var logits = step(model, live, cache);
                        if (step < 4 || step % 19 == 0) {
                            compare(logits, live, cache, model);
                        }
                    }
                    assertThat(cache.rows()).isEqualTo(1);
                    assertThat(cache.length(0)).isEqualTo(PROMPTS[2] + STEPS);
                }
            }
        }
    }

    private static void compare(Tensor logits, List<Integer> sequences, KvCache cache, DecoderModel model) {
        try (var scope = Scope.open()) {
            for (int row = 0; row < sequences.size(); row++) {
                int length = cache.length(row);
                assertClose(
                        "sequence " + sequences.get(row) + " of " + length,
                        logits.narrow(0, row, 1),
                        alone(model, sequences.get(row), length),
                        1e-4,
                        2e-5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral"})
    void tokensThatWereForgottenLeaveNoTrace(String name) {
        try (var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float);
                var cache = new KvCache(1)) {
            prefill(model, Layout.rightPadded(13, 13), cache);
            cache.truncate(5);
            assertThat(cache.length(0)).isEqualTo(5);
            for (int length = 6; length < 12; length++) {
                assertClose("after " + length, step(model, List.of(0), cache), alone(model, 0, length), 1e-4, 2e-5);
            }
        }
    }

    @Test
    void paddedRowsAreNotTruncated() {
        try (var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
                var cache = new KvCache(3)) {
            prefill(model, Layout.rightPadded(13, PROMPTS), cache);

            assertThatThrownBy(() -> cache.truncate(2))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("[13, 4, 9]");
        }
    }
}
