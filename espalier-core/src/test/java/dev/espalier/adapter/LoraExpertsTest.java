package dev.espalier.adapter;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** LoRA adapters of unlike ranks, scalings and targets as one mixture, against plain loops in double. */
class LoraExpertsTest {
    private static final String QUERY = "bert.encoder.layer.0.attention.self.query";
    private static final String VALUE = "bert.encoder.layer.1.attention.self.value";
    private static final int TOKENS = 6;

    @TempDir
    private Path folder;

    private final Map<String, AdapterFolder> folders = new LinkedHashMap<>();
    private final TinyModel tiny = new TinyModel();

    @BeforeEach
    void saveAdapters() {
        tiny.addHead("", 3);
        save("one", LoraSpec.defaults().withRank(2).withAlpha(3));
        save("two", LoraSpec.defaults().withRank(5).withRslora(true).withTargets(TargetModules.of("query")));
        save("three", LoraSpec.defaults().withRank(1).withAlpha(2));
        save("four", LoraSpec.defaults().withRank(4).withPatterns(Map.of("layer.0.*query", 3), Map.of("query", 5.0)));
    }

    @AfterEach
    void close() {
        folders.values().forEach(AdapterFolder::close);
        tiny.close();
    }

    private void save(String name, AdapterSpec spec) {
        var target = folder.resolve(name);
        try (var scope = Scope.open();
                var adapter = Adapter.create(name, spec, tiny.model(), RandomStream.of(name.length()))) {
            for (var p : adapter.parameters()) {
                var value = p.value();
                value.copy_(Initialiser.normal(.3, RandomStream.of(7).at(name).at(p.name()), p.shape()));
            }
            var head = new SavedHead("", name, TaskKind.SINGLE_LABEL, List.of("a", "b", "c"), Pooling.DEFAULT);
            var own = Objects.requireNonNull(tiny.model().heads().get(""));
            for (var p : own.linears().get(1).parameters()) {
                p.value()
                        .copy_(Initialiser.normal(
                                .3, RandomStream.of(9).at(name).at(p.name()), p.shape()));
            }
            AdapterFolder.save(target, adapter, tiny.model(), new AdapterCard("base", Optional.empty(), List.of(head)));
        }
        folders.put(name, AdapterFolder.open(target));
    }

    private LoraExperts experts() {
        return new LoraExperts(folders, tiny.model());
    }

    /** Draws a linear's directions, far enough from one another that no two scores are alike. */
    private static Tensor directions(LoraExperts experts, String module) {
        return Initialiser.normal(
                .5,
                RandomStream.of(3).at(module),
                experts.having(module).size(),
                experts.shape(module).get(1));
    }

    private static Tensor input(Linear linear, int rows) {
        return Initialiser.normal(1, RandomStream.of(4).at(linear.name()), (long) rows * TOKENS, linear.inFeatures());
    }

    private static double[] output(Linear linear, Tensor x, Layout layout, float[][] experts) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), layout)) {
            if (experts.length > 0) {
                context.experts(experts);
            }
            return doubles(linear.forward(context.tape().constant(x), context).value());
        }
    }

    private static double[][] matrix(Tensor tensor) {
        var flat = doubles(tensor);
        int columns = (int) tensor.size(1);
        return IntStream.range(0, flat.length / columns)
                .mapToObj(row -> Arrays.copyOfRange(flat, row * columns, (row + 1) * columns))
                .toArray(double[][]::new);
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    /** What {@code factors} add to the output of {@code x}, at output {@code o}. */
    private static double[] added(LoraExperts.Factors factors, double[] x) {
        var a = matrix(factors.a());
        return Arrays.stream(matrix(factors.b()))
                .mapToDouble(row -> factors.scaling()
                        * IntStream.range(0, a.length)
                                .mapToDouble(r -> row[r] * dot(a[r], x))
                                .sum())
                .toArray();
    }

    /** {@code |x v|}, the largest {@code topK}, and their softmax. */
    private static double[] arrow(double[][] directions, double[] x, int topK) {
        var scores =
                Arrays.stream(directions).mapToDouble(v -> Math.abs(dot(x, v))).toArray();
        var chosen = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -scores[e]))
                .limit(topK)
                .toList();
        double sum = chosen.stream().mapToDouble(e -> Math.exp(scores[e])).sum();
        var weights = new double[scores.length];
        chosen.forEach(e -> weights[e] = Math.exp(scores[e]) / sum);
        return weights;
    }

    @ParameterizedTest
    @CsvSource({"1, 6 6", "2, 6 4", "3, 1 6", "9, 6 1"})
    void everyTokenGetsTheExpertsThatItsSizeAlongTheirDirectionsChooses(int topK, String lengths) {
        var rows = Arrays.stream(lengths.split(" ")).mapToInt(Integer::parseInt).toArray();
        var layout = Layout.rightPadded(TOKENS, rows);
        for (var path : List.of(QUERY, VALUE)) {
            try (var scope = Scope.open()) {
                var linear = Objects.requireNonNull(tiny.model().linears().get(path));
                var x = input(linear, rows.length);
                var bare = output(linear, x, layout, new float[0][]);
                var experts = experts();
                try (var adapter = experts.byToken("library", topK, module -> directions(experts, module))) {
                    assertThat(adapter.deltas()).containsKey(path);
                    var routed = output(linear, x, layout, new float[0][]);
                    var directions = matrix(directions(experts, path));
                    var inputs = matrix(x);
                    int out = linear.outFeatures();
                    for (int token = 0; token < inputs.length; token++) {
                        boolean padding = token % TOKENS >= rows[token / TOKENS];
                        var weights = arrow(directions, inputs[token], padding ? 0 : topK);
                        var expected = Arrays.copyOfRange(bare, token * out, (token + 1) * out);
                        for (int e = 0; e < weights.length; e++) {
                            var sum = added(experts.factors(experts.having(path).get(e), path), inputs[token]);
                            for (int o = 0; o < out; o++) {
                                expected[o] += weights[e] * sum[o];
                            }
                        }
                        for (int o = 0; o < out; o++) {
                            assertThat(routed[token * out + o])
                                    .isCloseTo(expected[o], within(1e-5 + 1e-4 * Math.abs(expected[o])));
                        }
                    }
                }
            }
        }
    }

    @Test
    void everySequenceGetsTheExpertsOfThePass() {
        float[][] given = {{.25f, 0, .5f, .25f}, {0, 1, 0, 0}, {0, 0, 0, 0}};
        var layout = Layout.rightPadded(TOKENS, 6, 1, 3);
        for (var path : List.of(QUERY, VALUE)) {
            try (var scope = Scope.open()) {
                var linear = Objects.requireNonNull(tiny.model().linears().get(path));
                var x = input(linear, given.length);
                var bare = output(linear, x, layout, new float[0][]);
                var experts = experts();
                try (var adapter = experts.bySequence("library")) {
                    assertThat(adapter.isEnabled()).isTrue();
                    var routed = output(linear, x, layout, given);
                    var inputs = matrix(x);
                    int out = linear.outFeatures();
                    var names = List.copyOf(experts.names());
                    for (var segment : layout.segments()) {
                        for (int t = 0; t < segment.length(); t++) {
                            int token = layout.first(segment) + t;
                            for (int o = 0; o < out; o++) {
                                double expected = bare[token * out + o];
                                for (var name : experts.having(path)) {
                                    expected += given[segment.row()][names.indexOf(name)]
                                            * added(experts.factors(name, path), inputs[token])[o];
                                }
                                assertThat(routed[token * out + o])
                                        .isCloseTo(expected, within(1e-5 + 1e-4 * Math.abs(expected)));
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void aPassMustGiveEverySequenceAWeightForEachExpert() {
        var linear = Objects.requireNonNull(tiny.model().linears().get(QUERY));
        try (var scope = Scope.open();
                var adapter = experts().bySequence("library")) {
            assertThat(adapter.deltas()).isNotEmpty();
            var x = input(linear, 1);
            var layout = Layout.rightPadded(TOKENS, TOKENS);
            assertThatThrownBy(() -> output(linear, x, layout, new float[][] {{1, 0, 0}}))
                    .hasMessage("3 weights for the 4 experts of " + QUERY);
            assertThatThrownBy(() -> output(linear, x, layout, new float[2][4]))
                    .hasMessage("2 rows of expert weights for 1 sequences");
        }
    }

    @Test
    void anExpertByItselfIsItsAdapterWithItsHead() {
        for (var name : List.copyOf(folders.keySet())) {
            try (var scope = Scope.open();
                    var fresh = new TinyModel();
                    var saved = AdapterFolder.open(folder.resolve(name))) {
                double[] expected;
                try (var alone = saved.load("alone", fresh.model())) {
                    assertThat(alone.isEnabled()).isTrue();
                    expected = logits(fresh, "", new float[0][]);
                }
                var one = new LoraExperts(Map.of(name, saved), fresh.model());
                one.addHead(name, saved.card().heads().get(0), "other");
                try (var adapter = one.byToken("library", 3, module -> directions(one, module))) {
                    assertThat(adapter.trainedWeights()).isPositive();
                    assertSame(logits(fresh, "other", new float[0][]), expected);
                }
                try (var adapter = one.bySequence("library")) {
                    assertThat(adapter.trainedWeights()).isPositive();
                    var ones = new float[fresh.batch().rows()][];
                    Arrays.fill(ones, new float[] {1});
                    assertSame(logits(fresh, "other", ones), expected);
                }
            }
        }
    }

    @Test
    void sequencesOfABatchGetWhatTheyGetAlone() {
        var experts = experts();
        float[][] given = {{1, 0, 0, 0}, {0, 0, 0, 1}, {0, .5f, .5f, 0}};
        try (var adapter = experts.bySequence("library")) {
            assertThat(adapter.isEnabled()).isTrue();
            var mixed = logits(tiny, "", given);
            for (int row = 0; row < given.length; row++) {
                var alone = new float[given.length][];
                Arrays.fill(alone, given[row]);
                var all = logits(tiny, "", alone);
                int from = row * 3;
                assertSame(Arrays.copyOfRange(mixed, from, from + 3), Arrays.copyOfRange(all, from, from + 3));
            }
        }
    }

    @Test
    void expertsGoWithTheSequencesThatTheAdapterIsChosenFor() {
        var batch = tiny.batch();
        var bare = logits(tiny, "", new float[0][]);
        float[][] given = {{1, 0, 0, 0}, {0, 0, 0, 1}, {0, .5f, .5f, 0}};
        try (var scope = Scope.open();
                var adapter = experts().bySequence("library");
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            assertThat(adapter.isEnabled()).isTrue();
            var all = logits(tiny, "", given);
            context.adapters(List.of(Optional.empty(), Optional.of("library"), Optional.of("library")))
                    .experts(given);
            var head = Objects.requireNonNull(tiny.model().heads().get(""));
            var some = doubles(tiny.model().logits(head, batch, context).value());

            assertSame(Arrays.copyOfRange(some, 0, 3), Arrays.copyOfRange(bare, 0, 3));
            assertSame(Arrays.copyOfRange(some, 3, 9), Arrays.copyOfRange(all, 3, 9));
            assertThat(all[0]).isNotCloseTo(bare[0], within(1e-3));
        }
    }

    private static double[] logits(TinyModel model, String head, float[][] experts) {
        var batch = model.batch();
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            if (experts.length > 0) {
                context.experts(experts);
            }
            var found = Objects.requireNonNull(model.model().heads().get(head));
            return doubles(model.model().logits(found, batch, context).value());
        }
    }

    private static void assertSame(double[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-6 * Math.max(1, Math.abs(expected[i]))));
        }
    }

    @Test
    void whatIsNotPlainLoraOnLinearsIsRefused() {
        refused("dora", LoraSpec.defaults().withDora(true), "is a DoRA");
        refused("ia3", Ia3Spec.defaults(), "is of method 'ia3'");
        refused(
                "whole",
                LoraSpec.defaults().withModulesToSave(List.of("layer.0.intermediate.dense")),
                "holds whole modules (bert.encoder.layer.0.intermediate.dense)");
    }

    private void refused(String name, AdapterSpec spec, String reason) {
        save(name, spec);
        assertThatThrownBy(this::experts)
                .isInstanceOf(InputException.class)
                .hasMessage("Adapter '" + name + "' " + reason
                        + (name.equals("ia3") ? ", whose folder holds no pair of factors A and B a linear" : "")
                        + (name.equals("dora")
                                ? ", which gives rows of the weight a new length beside what it adds"
                                : "")
                        + "; only LoRA on linears, and what is saved as that, can be one of several experts.");
        Objects.requireNonNull(folders.remove(name)).close();
    }

    @Test
    void aFactorThatIsNoNumberIsNamed() {
        var spec = LoraSpec.defaults();
        save("fine", spec);
        try (var scope = Scope.open();
                var adapter = Adapter.create("broken", spec, tiny.model(), RandomStream.of(1))) {
            adapter.parameters().get(0).value().view(-1).narrow(0, 0, 1).fill_(new Scalar(Double.NaN));
            AdapterFolder.save(
                    folder.resolve("broken"),
                    adapter,
                    tiny.model(),
                    new AdapterCard("base", Optional.empty(), List.of()));
        }
        folders.put("broken", AdapterFolder.open(folder.resolve("broken")));

        assertThatThrownBy(() -> experts().bySequence("library"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("layer.0.attention.self.query.lora_A.weight' of the adapter in ")
                .hasMessageContaining("no finite numbers");
        assertThat(tiny.model().adapters()).isEmpty();
    }

    @Test
    void directionsAreOnlyAskedForWhereThereIsAChoice() {
        var asked = new ArrayList<String>();
        folders.keySet().retainAll(List.of("two", "three"));
        var experts = experts();
        try (var adapter = experts.byToken("library", 1, module -> {
            asked.add(module);
            return FloatArrays.tensor(new float[2 * 64], 2, 64);
        })) {
            assertThat(adapter.deltas()).hasSize(4);
        }
        assertThat(asked).hasSize(2).allMatch(module -> module.endsWith("query"));
    }
}
