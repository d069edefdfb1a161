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
import java.util.List;
import java.util.Map;
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

/** LoRA with structured factors: each against its formula, and the plain LoRA that is saved of it; see {@link ChangingRanksTest}. */
class StructuredLoraTest {
    private static final double S = 2.5;

    @TempDir
    private Path temporary;

    static StructuredLoraSpec spec(LoraStructure structure, int rank) {
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
                    ChangingRanksTest.move(adapter, now, .05);
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
