package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** LoRA with structured factors: each against its formula, and the plain LoRA that is saved of it. */
class StructuredLoraTest {
    private static final double S = 2.5;

    @TempDir
    private Path temporary;

    private static StructuredLoraSpec spec(LoraStructure structure, int rank) {
        return StructuredLoraSpec.of(structure)
                .withTargets(TargetModules.of("q_proj", "v_proj"))
                .withRank(rank, S * rank);
    }

    static List<StructuredLoraSpec> all() {
        return List.of(
                spec(new BlockLora(4), 2),
                spec(new PartlyFrozenLora(.5, 7), 4),
                spec(new BoostedLora(3), 1),
                spec(new DynamicRankLora(1.5), 2),
                spec(new GrowingLora(4, 3, 2), 2),
                spec(new PyramidLora(2, 3), 1),
                spec(new SquareLora(), 2),
                spec(new SquareLora(SquareLora.Compression.ROTATED), 2));
    }

    private static Tensor lora(Tensor x, Tensor a, Tensor b) {
        return torch.mm(torch.mm(x, a.t()), b.t()).mul(new Scalar(S));
    }

    private static Tensor get(Map<String, Tensor> weights, String key) {
        return FormulaCheck.get(weights, key);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, .3})
    void blocksAddToTheirOwnPartOfTheOutput(double dropout) {
        try (var check = new FormulaCheck(spec(new BlockLora(2), 3).withDropout(dropout), 12, 10)) {
            check.changesNothing();
            check.randomise()
                    .follows(
                            (x, dropped, w) -> {
                                var y = check.plain(x);
                                for (int block = 0; block < 2; block++) {
                                    var part = lora(
                                            dropped.narrow(1, 6L * block, 6),
                                            get(w, "lora_A.weight").get(block),
                                            get(w, "lora_B.weight").get(block));
                                    var wide = torch.zeros(new long[] {FormulaCheck.TOKENS, 10}, x.options());
                                    var places = torch.arange(new Scalar(5 * block), new Scalar(5 * block + 5))
                                            .to(ScalarType.Long);
                                    y = y.add(wide.index_copy(1, places, part));
                                }
                                return y;
                            },
                            FormulaCheck.PATH + ".lora_dropout",
                            dropout);
            check.mergesAsItActs();
        }
    }

    @Test
    void blocksMustDivideTheModule() {
        assertThatThrownBy(() -> new FormulaCheck(spec(new BlockLora(4), 3), 12, 10))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        FormulaCheck.PATH + " has 10 outputs, which 4 blocks do not divide; choose another number of"
                                + " blocks, or other targets.");
    }

    @Test
    void halfOfTheRowsAreFrozenAndTheRestFollowsLora() {
        try (var check = new FormulaCheck(spec(new PartlyFrozenLora(.5, 7), 4), 12, 10)) {
            check.changesNothing();
            assertThat(check.parameter("lora_A.weight").shape()).containsExactly(2, 12);
            assertThat(check.parameter("lora_B.weight").shape()).containsExactly(5, 4);
            assertThat(check.parameter("frozen_A").trainable()).isFalse();
            check.randomise();
            var file = check.files();
            var b = get(file, "lora_B.weight");
            var zeroRows = torch.count_nonzero(b, 1).eq(new Scalar(0)).sum().item_double();
            assertThat(zeroRows).isEqualTo(5);
            assertClose(
                    "frozen",
                    get(file, "lora_A.weight").narrow(0, 2, 2),
                    check.parameter("frozen_A").value(),
                    0,
                    0);
            var outputs = b.abs().sum(1).nonzero().view(-1);
            check.follows((x, dropped, w) -> {
                var ranks = torch.mm(
                        x,
                        torch.cat(new TensorVector(get(w, "lora_A.weight"), get(w, "frozen_A")), 0)
                                .t());
                var some = torch.mm(ranks, get(w, "lora_B.weight").t()).mul(new Scalar(S));
                var none = torch.zeros(new long[] {FormulaCheck.TOKENS, 10}, x.options());
                return check.plain(x).add(none.index_copy(1, outputs, some));
            });
            check.mergesAsItActs();
        }
    }

    @Test
    void anotherSeedFreezesOtherRows() {
        var rows = new ArrayList<double[]>();
        for (long seed : new long[] {1, 1, 2}) {
            try (var check = new FormulaCheck(spec(new PartlyFrozenLora(.5, seed), 4), 12, 40)) {
                check.randomise();
                rows.add(Fixtures.doubles(get(check.files(), "lora_B.weight")
                        .abs()
                        .sum(1)
                        .ne(new Scalar(0))
                        .to(ScalarType.Float)));
            }
        }
        assertThat(rows.get(0)).containsExactly(rows.get(1)).isNotEqualTo(rows.get(2));
    }

    @Test
    void thePyramidAddsWhatLayersShareToTheirOwn() {
        try (var check = new FormulaCheck(spec(new PyramidLora(2, 3), 1), 12, 10)) {
            check.changesNothing();
            check.randomise().follows((x, dropped, w) -> check.plain(x)
                    .add(lora(x, get(w, "global.linear.lora_A"), get(w, "global.linear.lora_B")))
                    .add(lora(x, get(w, "group0.linear.lora_A"), get(w, "group0.linear.lora_B")))
                    .add(lora(x, get(w, "lora_A.weight"), get(w, "lora_B.weight"))));
            check.mergesAsItActs();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {12, 7, 30})
    void theSquareMatrixSeesSumsOfChunksAndIsRepeated(int in) {
        int out = 10;
        int side = Math.min(Math.min(in, out), (int) Math.round(Math.sqrt(2 * (in + out))));
        try (var check = new FormulaCheck(spec(new SquareLora(), 2), in, out)) {
            check.changesNothing();
            assertThat(check.parameter("lora_A.weight").shape()).containsExactly(side, side);
            check.randomise().follows((x, dropped, w) -> {
                var m = get(w, "lora_A.weight");
                var y = check.plain(x);
                for (int o = 0; o < out; o++) {
                    for (int i = 0; i < in; i++) {
                        var unit = torch.zeros(new long[] {1, out}, x.options());
                        unit.narrow(1, o, 1).fill_(new Scalar(S));
                        var weight = m.get(o % side).get(i % side);
                        y = y.add(x.narrow(1, i, 1).mul(weight).mul(unit));
                    }
                }
                return y;
            });
            check.mergesAsItActs();
        }
    }

    @Test
    void layersShareTheGlobalWeightsAndThirdsTheirs() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            try (var adapter = Adapter.create("new", spec(new PyramidLora(2, 3), 1), run.model(), RandomStream.of(1))) {
                var shared = adapter.shared().parameters().stream()
                        .map(Parameter::name)
                        .toList();
                // Two layers: the first is in the first third, the second in the second.
                assertThat(shared)
                        .hasSize(2 * 2 + 2 * 2 * 2)
                        .contains("global.self_attn.q_proj.lora_A.new", "group1.self_attn.v_proj.lora_B.new");
                assertThat(adapter.trainedWeights())
                        .isEqualTo(adapter.parameters().stream()
                                .mapToLong(Parameter::size)
                                .sum());
            }
        }
    }

    @Test
    void boostingPutsEachRoundOnTopOfThoseBefore() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            try (var adapter = Adapter.create("new", spec(new BoostedLora(3), 1), run.model(), RandomStream.of(1));
                    var schedule = adapter.startTraining(7).orElseThrow()) {
                var trained = adapter.parameters().stream()
                        .filter(Parameter::trainable)
                        .toList();
                var names = trained.stream().map(Parameter::name).toArray(String[]::new);
                for (int step = 0; step < 7; step++) {
                    for (var p : trained) {
                        p.value()
                                .add_(FormulaCheck.random(p.name() + step, p.shape())
                                        .mul(new Scalar(.1)));
                    }
                    var before = run.lastLogits();
                    var a = trained.get(0).value().clone();
                    var anew = schedule.afterUpdate(step, Map.of());
                    assertClose("logits of step " + step, run.lastLogits(), before, 1e-4, 2e-5);
                    boolean ends = step == 2 || step == 4;
                    assertThat(anew).isEqualTo(ends ? Set.of(names) : Set.of());
                    assertThat(schedule.ranks().values()).containsOnly(step < 2 ? 1 : step < 4 ? 2 : 3);
                    assertThat(trained.get(0).value().sub(a).norm().item_double() > 0)
                            .isEqualTo(ends);
                    assertThat(trained.get(1).value().norm().item_double() == 0).isEqualTo(ends);
                }
                assertThat(adapter.trainedWeights()).isEqualTo(2 * (64 + 64) + 2 * (64 + 32));
            }
        }
    }

    @Test
    void boostingNeedsAStepForEachRound() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            try (var adapter = Adapter.create("new", spec(new BoostedLora(3), 1), run.model(), RandomStream.of(1))) {
                assertThatThrownBy(() -> adapter.startTraining(2))
                        .hasMessage(
                                "A run of 2 steps has no room for 3 rounds;" + " lower rounds, or train for longer.");
            }
        }
    }

    @Test
    void dynamicRanksLoseTheSmallestSharesByTheCubicAndForGood() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            int steps = 20;
            try (var adapter =
                            Adapter.create("new", spec(new DynamicRankLora(1.5), 2), run.model(), RandomStream.of(1));
                    var schedule = adapter.startTraining(steps).orElseThrow()) {
                var modules = RankTriplets.of(adapter);
                var plain = new PlainShares();
                for (int step = 0; step < steps; step++) {
                    for (var p : adapter.parameters()) {
                        if (p.trainable()) {
                            p.value()
                                    .add_(FormulaCheck.random(p.name() + step, p.shape())
                                            .mul(new Scalar(.1)));
                        }
                    }
                    plain.step(modules, step, steps);
                    schedule.afterUpdate(step, Map.of());
                    var alive = new ArrayList<Boolean>();
                    modules.values().forEach(ranks -> alive.addAll(ranks.kept()));
                    assertThat(alive).as("after step " + step).isEqualTo(plain.alive);
                }
                assertThat(schedule.ranks().values().stream()
                                .mapToInt(Integer::intValue)
                                .sum())
                        .isEqualTo(2 * 4);
            }
        }
    }

    /** The same rule in plain loops: 4 modules of rank 3, to 8 ranks between steps 3 and 10. */
    private static final class PlainShares {
        final List<Boolean> alive = new ArrayList<>(Collections.nCopies(12, true));
        final double[] scores = new double[12];

        void step(Map<String, RankTriplets> modules, int step, int steps) {
            if (step > 10) {
                return;
            }
            int place = 0;
            for (var ranks : modules.values()) {
                var sum = torch.zeros(
                                new long[] {ranks.b().shape()[0], ranks.a().shape()[1]})
                        .to(ScalarType.Double);
                var norms = new double[3];
                for (int i = 0; i < 3; i++) {
                    if (alive.get(place + i)) {
                        var part = torch.mm(
                                ranks.b().value().narrow(1, i, 1).to(ScalarType.Double),
                                ranks.a().value().narrow(0, i, 1).to(ScalarType.Double));
                        norms[i] = part.norm().item_double();
                        sum.add_(part);
                    }
                }
                for (int i = 0; i < 3; i++) {
                    scores[place + i] =
                            .9 * scores[place + i] + .1 * norms[i] / sum.norm().item_double();
                }
                place += 3;
            }
            if (step <= 3) {
                return;
            }
            int budget = (int) (4 * Math.pow(1 - (step - 3) / 7.0, 3) + 8);
            while (alive.stream().filter(a -> a).count() > budget) {
                int worst = -1;
                for (int i = 0; i < 12; i++) {
                    if (alive.get(i) && (worst < 0 || scores[i] < scores[worst])) {
                        worst = i;
                    }
                }
                alive.set(worst, false);
            }
        }
    }

    @Test
    void ranksGrowWhereTheGradientsSayAndTheReserveIsHeld() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            try (var adapter =
                            Adapter.create("new", spec(new GrowingLora(3, 2, 1), 2), run.model(), RandomStream.of(1));
                    var schedule = adapter.startTraining(20).orElseThrow()) {
                var modules = RankTriplets.of(adapter);
                var plain = new PlainGrowth(modules);
                for (int step = 0; step < 20; step++) {
                    var gradients = new LinkedHashMap<String, Tensor>();
                    for (var p : adapter.parameters()) {
                        if (p.trainable()) {
                            var g = FormulaCheck.random(p.name() + step, p.shape());
                            gradients.put(p.name(), g);
                            p.value().add_(g, new Scalar(-.1));
                        }
                    }
                    plain.step(gradients, step);
                    schedule.afterUpdate(step, gradients);
                    assertThat(schedule.ranks()).as("after step " + step).isEqualTo(plain.ranks);
                    modules.forEach((path, ranks) -> {
                        int active = plain.ranks.getOrDefault(path, 0);
                        var factors = Fixtures.doubles(ranks.d().value());
                        for (int rank = active; rank < 3; rank++) {
                            assertThat(factors[rank]).isEqualTo(rank == active ? (float) 1e-5 : 0);
                        }
                        assertThat(factors[0]).isNotZero();
                    });
                }
                assertThat(plain.ranks.values().stream()
                                .mapToInt(Integer::intValue)
                                .sum())
                        .isEqualTo(8);
                assertThat(new HashSet<>(plain.ranks.values())).hasSizeGreaterThan(1);
            }
        }
    }

    /** One more rank every two steps for the module whose ranks matter most on average, until there are 8 in 4 modules. */
    private static final class PlainGrowth {
        final Map<String, Integer> ranks = new LinkedHashMap<>();
        private final Map<String, RankTriplets> modules;
        private final Map<String, double[][]> averages = new LinkedHashMap<>();

        PlainGrowth(Map<String, RankTriplets> modules) {
            this.modules = modules;
            modules.keySet().forEach(path -> ranks.put(path, 1));
        }

        void step(Map<String, Tensor> gradients, int step) {
            modules.values().forEach(triplets -> triplets.trained()
                    .forEach(p -> smooth(p, FormulaCheck.get(gradients, p.name()))));
            int total = ranks.values().stream().mapToInt(Integer::intValue).sum();
            if (step == 0 || step % 2 != 0 || total == 8) {
                return;
            }
            modules.keySet().stream()
                    .filter(path -> ranks.getOrDefault(path, 0) < 3)
                    .max(Comparator.comparingDouble(this::score))
                    .ifPresent(path -> ranks.merge(path, 1, Integer::sum));
        }

        private void smooth(Parameter p, Tensor gradient) {
            var values = Fixtures.doubles(p.value());
            var slopes = Fixtures.doubles(gradient);
            var state = averages.computeIfAbsent(p.name(), name -> new double[2][values.length]);
            for (int i = 0; i < values.length; i++) {
                double now = Math.abs(values[i] * slopes[i]);
                state[0][i] = .85 * state[0][i] + .15 * now;
                state[1][i] = .85 * state[1][i] + .15 * Math.abs(now - state[0][i]);
            }
        }

        private double score(String path) {
            var triplets = Objects.requireNonNull(modules.get(path));
            int active = ranks.getOrDefault(path, 0);
            int in = (int) triplets.a().shape()[1];
            int out = (int) triplets.b().shape()[0];
            double sum = 0;
            for (int rank = 0; rank < active; rank++) {
                sum += element(triplets.d(), rank);
                for (int i = 0; i < in; i++) {
                    sum += element(triplets.a(), rank * in + i) / in;
                }
                for (int o = 0; o < out; o++) {
                    sum += element(triplets.b(), o * 3 + rank) / out;
                }
            }
            return sum / active;
        }

        private double element(Parameter p, int place) {
            var state = Objects.requireNonNull(averages.get(p.name()));
            return state[0][place] * state[1][place];
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void theSavedPlainLoraComputesTheSame(StructuredLoraSpec spec) {
        // A rank in reserve adds next to nothing, which fp32 would round.
        var dtype = spec.method().equals(GrowingLora.METHOD) ? ScalarType.Double : ScalarType.Float;
        try (var run = new AdapterRun("lora_qv", dtype);
                var saved = AdapterFolder.open(run.folder())) {
            run.adapter().disable();
            var base = run.lastLogits();
            try (var adapter = Adapter.create("new", spec, run.model(), RandomStream.of(1))) {
                assertClose("at first", run.lastLogits(), base, 1e-5, 1e-6);
                var schedule = adapter.startTraining(12);
                for (int step = 0; step < 12; step++) {
                    int now = step;
                    for (var p : adapter.parameters()) {
                        if (p.trainable()) {
                            p.value()
                                    .add_(FormulaCheck.random(p.name() + now, p.shape())
                                            .mul(new Scalar(.05)));
                        }
                    }
                    schedule.ifPresent(s -> s.afterUpdate(now, Map.of()));
                }
                var logits = run.lastLogits();
                assertThat(logits.sub(base).abs().max().item_double()).isGreaterThan(1e-2);
                var folder = temporary.resolve(spec.method());
                AdapterFolder.save(folder, adapter, run.model(), saved.card());
                schedule.ifPresent(BudgetSchedule::close);
                adapter.disable();
                assertThat(PeftFixtureTest.config(folder).path("peft_type").stringValue())
                        .isEqualTo("LORA");
                try (var again = AdapterFolder.open(folder).load("again", run.model())) {
                    assertThat(again.spec()).isInstanceOf(LoraSpec.class);
                    assertClose("reloaded", run.lastLogits(), logits, 1e-4, 5e-5);
                }
            }
        }
    }
}
