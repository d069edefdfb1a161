package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;

import dev.espalier.Fixtures;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A sequence computes what it would alone, wherever it lies: padded left, padded right or packed with others. */
class DecoderLayoutTest {
    private static final int[] LENGTHS = {13, 4, 9};

    /** Three sequences in some layout, and what their tokens are. */
    private record Placed(Layout layout, long[] ids, int[] labels) {
        static Placed in(Layout layout) {
            var ids = new long[layout.rows() * layout.tokens()];
            var labels = new int[ids.length];
            Arrays.fill(ids, 3);
            Arrays.fill(labels, Batch.IGNORED);
            for (int i = 0; i < LENGTHS.length; i++) {
                int first = layout.first(layout.segments().get(i));
                for (int t = 0; t < LENGTHS[i]; t++) {
                    ids[first + t] = (i * 31 + t * 17) % 250 + 4;
                    labels[first + t] = t < 2 ? Batch.IGNORED : (int) ids[first + t];
                }
            }
            return new Placed(layout, ids, labels);
        }

        Batch batch() {
            int count =
                    (int) Arrays.stream(labels).filter(l -> l != Batch.IGNORED).count();
            return new Batch(0, layout, ids, new long[ids.length], labels, new float[0], new long[] {7, 8, 9}, count);
        }
    }

    /** The hidden states of the sequences one after another, and every weight's gradient. */
    private record Result(Tensor hidden, Map<String, Tensor> gradients) {}

    private static Result run(DecoderModel model, Layout layout, boolean checkpointing, Scope scope) {
        var placed = Placed.in(layout);
        var training = new ForwardContext.Training(RandomStream.of(5), new long[] {7, 8, 9}, 3);
        var parameters = List.copyOf(model.parameters().values());
        try (var gradients = new Gradients(parameters);
                var context = ForwardContext.training(Tape.recording(gradients), layout, training)
                        .checkpointing(checkpointing)) {
            var batch = placed.batch();
            var hidden = model.hidden(batch, context);
            var places = layout.segments().stream()
                    .flatMapToLong(s -> LongStream.range(layout.first(s), layout.first(s) + (long) s.length()))
                    .toArray();
            var states = scope.keep(torch.index_select(hidden.value(), 0, torch.tensor(places)));
            context.tape().backward(model.lmHead().loss(TaskKind.CAUSAL_LM, hidden, batch, 0.1, context));
            var found = new LinkedHashMap<String, Tensor>();
            for (var p : parameters) {
                found.put(p.name(), scope.keep(gradients.of(p).clone()));
            }
            return new Result(states, found);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "qwen3", "phi3", "gemma2", "gpt2"})
    void paddingAtEitherSideAndPackingChangeNothing(String name) {
        try (var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            model.parameters().values().forEach(p -> p.trainable(true));
            var right = run(model, Layout.rightPadded(13, LENGTHS), false, scope);
            for (var layout : List.of(
                    Layout.leftPadded(13, LENGTHS),
                    Layout.rightPadded(20, LENGTHS),
                    new Layout(
                            2,
                            18,
                            List.of(
                                    new Layout.Segment(0, 0, 13),
                                    new Layout.Segment(0, 13, 4),
                                    new Layout.Segment(1, 2, 9))))) {
                compare(run(model, layout, false, scope), right, layout.toString());
            }
            compare(run(model, Layout.rightPadded(13, LENGTHS), true, scope), right, "checkpointing");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma2", "gpt2"})
    void aSequenceInABatchComputesWhatItDoesAlone(String name) {
        try (var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            var together =
                    run(model, Layout.leftPadded(13, LENGTHS), false, scope).hidden();
            int from = 0;
            var ids = Placed.in(Layout.rightPadded(13, LENGTHS)).ids();
            for (int i = 0; i < LENGTHS.length; i++) {
                int length = LENGTHS[i];
                try (var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(length, length))) {
                    var alone = model.hidden(Arrays.copyOfRange(ids, i * 13, i * 13 + length), context, state -> {});
                    assertClose("sequence " + i, together.narrow(0, from, length), alone.value(), 1e-4, 2e-5);
                }
                from += length;
            }
        }
    }

    private static void compare(Result actual, Result expected, String what) {
        assertClose(what + ": hidden", actual.hidden(), expected.hidden(), 1e-4, 2e-5);
        expected.gradients()
                .forEach((name, gradient) ->
                        assertClose(what + ": " + name, actual.gradients().get(name), gradient, 1e-3, 1e-5));
    }
}
