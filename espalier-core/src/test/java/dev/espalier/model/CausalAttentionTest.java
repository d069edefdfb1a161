package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Layout.Segment;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention of long rows, and attention against plain loops. */
class CausalAttentionTest {
    private static final int TOKENS = 11;
    private static final int[] LENGTHS = {11, 6};

    private static DecoderConfig config(String name) {
        try (var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            return model.config();
        }
    }

    private static Tensor numbers(long seed, long features) {
        var values = new float[2 * TOKENS * (int) features];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(seed * 7.1 + i * 1.7);
        }
        return torch.tensor(values).view(-1, features);
    }

    /** The result, and the gradients of queries, keys and values. */
    private static List<Tensor> run(CausalAttention attention, DecoderConfig config, Layout layout, Scope scope) {
        var training = new ForwardContext.Training(
                RandomStream.of(3),
                LongStream.range(0, layout.segments().size()).toArray(),
                2);
        try (var gradients = new Gradients(List.of());
                var context = ForwardContext.training(Tape.recording(gradients), layout, training)) {
            long wide = (long) config.heads() * config.headDim();
            long narrow = (long) config.keyValueHeads() * config.headDim();
            var inputs = new ArrayList<Variable>();
            for (long features : new long[] {wide, narrow, narrow}) {
                inputs.add(context.tape().input(numbers(inputs.size(), features)));
            }
            var y = attention.forward(inputs.get(0), inputs.get(1), inputs.get(2), context);
            // What pads is read by nobody, so that no gradient comes back from it.
            var real = torch.tensor(layout.segmentOfToken())
                    .ge(new Scalar(0))
                    .to(ScalarType.Float)
                    .unsqueeze(1);
            context.tape().backward(y, numbers(9, wide).mul(real));
            var results = new ArrayList<>(List.of(scope.keep(y.value().mul(real))));
            inputs.forEach(input -> results.add(
                    scope.keep(Objects.requireNonNull(input.gradient()).clone())));
            return results;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "gemma2", "gpt2"})
    void computedAgainIsTheSameToTheBit(String name) {
        var config = config(name);
        var layout = Layout.rightPadded(TOKENS, LENGTHS);
        try (var scope = Scope.open();
                var guard = Engine.enter(1)) {
            for (int tile : new int[] {0, 4, TOKENS}) {
                var kept = run(new CausalAttention("a", 0, config, TOKENS, tile), config, layout, scope);
                var again = run(new CausalAttention("a", 0, config, TOKENS - 1, tile), config, layout, scope);
                for (int i = 0; i < kept.size(); i++) {
                    assertThat(torch.equal(again.get(i), kept.get(i))).isTrue();
                }
            }
        }
    }

    static Stream<Arguments> tiles() {
        var packed = new Layout(
                2,
                TOKENS,
                List.of(new Segment(0, 0, 4), new Segment(0, 4, 5), new Segment(1, 1, 1), new Segment(1, 2, 9)));
        return Stream.of("llama", "mistral", "gemma2", "gpt2").flatMap(name -> Stream.of(
                        Layout.rightPadded(TOKENS, LENGTHS), Layout.rightPadded(TOKENS, TOKENS, TOKENS), packed)
                .flatMap(layout -> Stream.of(1, 3, 4, TOKENS).map(tile -> Arguments.of(name, layout, tile))));
    }

    /** Windows of the last layer, caps, groups of heads; sequences padded, whole and packed. */
    @ParameterizedTest
    @MethodSource("tiles")
    void tilesGiveWhatOneMaskGives(String name, Layout layout, int tile) {
        var config = config(name);
        try (var scope = Scope.open();
                var guard = Engine.enter(1)) {
            for (int layer : new int[] {0, config.layers().size() - 1}) {
                var whole = run(new CausalAttention("a", layer, config, TOKENS, 0), config, layout, scope);
                var tiled = run(new CausalAttention("a", layer, config, TOKENS, tile), config, layout, scope);
                for (int i = 0; i < whole.size(); i++) {
                    assertClose("result " + i + " of layer " + layer, tiled.get(i), whole.get(i), 1e-5, 1e-6);
                }
                assertThat(whole.get(1).abs().sum().item_double()).isPositive();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "mistral"})
    void scoresSoftmaxAndSumAreThoseOfPlainLoops(String name) {
        var config = config(name);
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(TOKENS, LENGTHS))) {
            int e = config.headDim();
            int group = config.heads() / config.keyValueHeads();
            var q = numbers(0, (long) config.heads() * e);
            var k = numbers(1, (long) config.keyValueHeads() * e);
            var v = numbers(2, (long) config.keyValueHeads() * e);
            var tape = context.tape();
            var y = new CausalAttention("a", 0, config)
                    .forward(tape.constant(q), tape.constant(k), tape.constant(v), context);
            var rope = config.layers().get(0).rope();
            int window = config.layers().get(0).window();
            for (int row = 0; row < LENGTHS.length; row++) {
                for (int t = 0; t < LENGTHS[row]; t++) {
                    for (int h = 0; h < config.heads(); h++) {
                        var query = turned(q, row * TOKENS + t, h, e, t, rope);
                        int first = window == 0 ? 0 : Math.max(0, t - window + 1);
                        var weights = new double[t + 1];
                        double sum = 0;
                        for (int s = first; s <= t; s++) {
                            var key = turned(k, row * TOKENS + s, h / group, e, s, rope);
                            double score = 0;
                            for (int i = 0; i < e; i++) {
                                score += query[i] * key[i];
                            }
                            weights[s] = Math.exp(score * config.attentionScale());
                            sum += weights[s];
                        }
                        var expected = new float[e];
                        for (int s = first; s <= t; s++) {
                            for (int i = 0; i < e; i++) {
                                expected[i] += (float) (weights[s] / sum * at(v, row * TOKENS + s, h / group * e + i));
                            }
                        }
                        var actual = y.value().select(0, row * TOKENS + t).narrow(0, (long) h * e, e);
                        assertClose("row " + row + " token " + t, actual, torch.tensor(expected), 1e-4, 2e-5);
                    }
                }
            }
        }
    }

    /** One head of one token, turned to its position. */
    private static double[] turned(Tensor x, int place, int head, int e, int position, java.util.Optional<Rope> rope) {
        var values = new double[e];
        for (int i = 0; i < e; i++) {
            values[i] = at(x, place, head * e + i);
        }
        if (rope.isEmpty()) {
            return values;
        }
        var turned = new double[e];
        for (int i = 0; i < e / 2; i++) {
            double angle = position * Math.pow(rope.get().theta(), -2.0 * i / e);
            turned[i] = values[i] * Math.cos(angle) - values[i + e / 2] * Math.sin(angle);
            turned[i + e / 2] = values[i + e / 2] * Math.cos(angle) + values[i] * Math.sin(angle);
        }
        return turned;
    }

    private static double at(Tensor x, long row, long column) {
        return x.select(0, row).select(0, column).mul(new Scalar(1)).item_double();
    }
}
