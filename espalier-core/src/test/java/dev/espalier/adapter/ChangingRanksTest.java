package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
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
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** LoRA whose ranks change in a run: rounds, shrinking and growth, each against its rule in plain loops. */
class ChangingRanksTest {
    /** Moves all that trains, as a step of an optimizer might. */
    static void move(Adapter adapter, int step, double factor) {
        adapter.parameters().stream().filter(Parameter::trainable).forEach(p -> p.value()
                .add_(FormulaCheck.random(p.name() + step, p.shape()).mul(new Scalar(factor))));
    }

    @Test
    void boostingPutsEachRoundOnTopOfThoseBefore() {
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            try (var adapter = Adapter.create(
                            "new", StructuredLoraTest.spec(new BoostedLora(3), 1), run.model(), RandomStream.of(1));
                    var schedule = adapter.startTraining(7).orElseThrow()) {
                var trained = adapter.parameters().stream()
                        .filter(Parameter::trainable)
                        .toList();
                var names = trained.stream().map(Parameter::name).toArray(String[]::new);
                for (int step = 0; step < 7; step++) {
                    move(adapter, step, .1);
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
            try (var adapter = Adapter.create(
                    "new", StructuredLoraTest.spec(new BoostedLora(3), 1), run.model(), RandomStream.of(1))) {
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
            try (var adapter = Adapter.create(
                            "new",
                            StructuredLoraTest.spec(new DynamicRankLora(1.5), 2),
                            run.model(),
                            RandomStream.of(1));
                    var schedule = adapter.startTraining(steps).orElseThrow()) {
                var modules = RankTriplets.of(adapter);
                var plain = new PlainShares();
                for (int step = 0; step < steps; step++) {
                    move(adapter, step, .1);
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
            try (var adapter = Adapter.create(
                            "new",
                            StructuredLoraTest.spec(new GrowingLora(3, 2, 1), 2),
                            run.model(),
                            RandomStream.of(1));
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
}
