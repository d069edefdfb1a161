package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.export.AdapterExport;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** AdaMix: which experts a pass has, and what is left of them in the end. */
class ExpertSoupTest {
    private static final int IN = 9;
    private static final int OUT = 6;
    private static final int E = 3;
    private static final MixtureSpec SPEC =
            Mixtures.of("adamix").with(m -> m.experts(E).rank(2).alpha(4).dropout(0));

    @TempDir
    Path folder;

    /** Whether {@code y} is what the linear gives with {@code B} of one expert and {@code A} of another. */
    private static boolean isOf(FormulaCheck one, Tensor x, Tensor y, int down, int up) {
        var a = one.parameter("lora_A.weight").value().narrow(0, 2L * down, 2);
        var b = one.parameter("lora_B.weight").value().narrow(1, 2L * up, 2);
        var want = one.plain(x.to(ScalarType.Double))
                .add(torch.mm(torch.mm(x, a.t()), b.t()).mul(new Scalar(2)));
        return y.sub(want).abs().max().item_double() < 1e-5;
    }

    private static int[] experts(FormulaCheck one, Tensor x, RandomStream random) {
        var training = new ForwardContext.Training(random, new long[] {1}, 1);
        try (var context = ForwardContext.training(
                Tape.inference(), Layout.rightPadded(FormulaCheck.TOKENS, FormulaCheck.TOKENS), training)) {
            var y = one.linear().forward(context.tape().constant(x), context).value();
            var found = new ArrayList<int[]>();
            for (int down = 0; down < E; down++) {
                for (int up = 0; up < E; up++) {
                    if (isOf(one, x, y, down, up)) {
                        found.add(new int[] {down, up});
                    }
                }
            }
            assertThat(found).as("one expert of each for all tokens").hasSize(1);
            return found.get(0);
        }
    }

    @Test
    void aPassHasOneExpertOfEachDrawnApartAndEvenly() {
        try (var one = new FormulaCheck(SPEC, IN, OUT).randomise()) {
            var x = FormulaCheck.random("x", FormulaCheck.TOKENS, IN);
            var counts = new int[E][E];
            for (int step = 0; step < 360; step++) {
                var random = RandomStream.of(7).at(step);
                var drawn = experts(one, x, random);
                assertThat(experts(one, x, random)).isEqualTo(drawn);
                counts[drawn[0]][drawn[1]]++;
            }
            for (var row : counts) {
                // 40 expected of each pair; the standard deviation is 6.
                assertThat(row).satisfies(pairs -> {
                    for (int count : pairs) {
                        assertThat(count).isBetween(15, 65);
                    }
                });
            }
        }
    }

    @Test
    void trainingFollowsTheFormulaOfTheDrawnExperts() {
        try (var one = new FormulaCheck(SPEC.with(m -> m.dropout(.3)), IN, OUT).randomise()) {
            // What the stream of the check draws.
            var drawn = new int[2];
            var random = RandomStream.of(5);
            drawn[0] = (int) (random.at(FormulaCheck.PATH + ".down.expert").uniform() * E);
            drawn[1] = (int) (random.at(FormulaCheck.PATH + ".up.expert").uniform() * E);
            one.follows(
                    (x, dropped, weights) -> {
                        var a = FormulaCheck.get(weights, "lora_A.weight").narrow(0, 2L * drawn[0], 2);
                        var b = FormulaCheck.get(weights, "lora_B.weight").narrow(1, 2L * drawn[1], 2);
                        return one.plain(x)
                                .add(torch.mm(torch.mm(dropped, a.t()), b.t()).mul(new Scalar(2)));
                    },
                    FormulaCheck.PATH + ".lora_dropout",
                    .3);
        }
    }

    @Test
    void otherwiseItIsTheMeanOfAllAndThatIsWhatFilesHold() {
        try (var one = new FormulaCheck(SPEC, IN, OUT).randomise();
                var context = ForwardContext.evaluation(
                        Tape.inference(), Layout.rightPadded(FormulaCheck.TOKENS, FormulaCheck.TOKENS))) {
            var x = FormulaCheck.random("x", FormulaCheck.TOKENS, IN);
            var y = one.linear().forward(context.tape().constant(x), context).value();
            var a = one.parameter("lora_A.weight").value();
            var b = one.parameter("lora_B.weight").value();
            var meanA = a.narrow(0, 0, 2)
                    .add(a.narrow(0, 2, 2))
                    .add(a.narrow(0, 4, 2))
                    .div(new Scalar(3));
            var meanB = b.narrow(1, 0, 2)
                    .add(b.narrow(1, 2, 2))
                    .add(b.narrow(1, 4, 2))
                    .div(new Scalar(3));
            var want = one.plain(x.to(ScalarType.Double))
                    .add(torch.mm(torch.mm(x, meanA.t()), meanB.t()).mul(new Scalar(2)));
            assertClose("y", y, want, 1e-5, 1e-5);
            one.mergesAsItActs();
            assertThat(one.files()).containsOnlyKeys("lora_A.weight", "lora_B.weight");
            assertClose("A", FormulaCheck.get(one.files(), "lora_A.weight"), meanA, 1e-6, 1e-7);
            assertClose("B", FormulaCheck.get(one.files(), "lora_B.weight"), meanB, 1e-6, 1e-7);
        }
    }

    @Test
    void expertsStartAsOneAndChangeNothing() {
        try (var one = new FormulaCheck(SPEC, IN, OUT)) {
            one.changesNothing();
            var a = one.parameter("lora_A.weight").value();
            assertThat(Fixtures.doubles(a.narrow(0, 2, 2))).isEqualTo(Fixtures.doubles(a.narrow(0, 0, 2)));
            assertThat(new HashSet<>(List.of(Fixtures.doubles(a)[0], Fixtures.doubles(a)[1])))
                    .hasSize(2);
        }
    }

    @Test
    void aSavedAdapterIsPlainLoraThatPeftReads() {
        var spec = SPEC.with(m -> m.rankPattern(Map.of("1.attention.self.value", 3)));
        double[] logits;
        try (var base = new TinyModel();
                var adapter = Adapter.create("first", spec, base.model(), RandomStream.of(3))) {
            base.addHead("", 3);
            TinyModel.scramble(adapter);
            logits = base.logits();
            var head = new SavedHead("", "t", TaskKind.SINGLE_LABEL, List.of("a", "b", "c"), Pooling.DEFAULT);
            AdapterFolder.save(
                    folder.resolve("a"), adapter, base.model(), new AdapterCard("m", Optional.empty(), List.of(head)));
            assertThat(adapter.trainedWeights()).isEqualTo(E * trained(folder.resolve("a"), 0));
        }
        AdapterExport.peft(folder.resolve("a"), Fixtures.path("models/bert_cls"), folder.resolve("b"));
        try (var base = new TinyModel();
                var loaded = AdapterFolder.load(folder.resolve("b"), base.model())) {
            assertThat(loaded.spec()).isInstanceOf(LoraSpec.class);
            assertThat(base.logits()).isEqualTo(logits);
        }
    }

    /** Numbers of the adapter in a folder. */
    private static long trained(Path folder, long heads) {
        try (var base = new TinyModel();
                var loaded = AdapterFolder.load(folder, base.model())) {
            return loaded.trainedWeights() - heads;
        }
    }

    @Test
    void modulesWithoutExpertsAreNoTargetsOfTheSavedAdapter() {
        var spec = SPEC.with(m -> m.expertsPattern(Map.of("0.attention.self.query", 0)));
        try (var base = new TinyModel();
                var adapter = Adapter.create("first", spec, base.model(), RandomStream.of(3))) {
            assertThat(spec.saved(adapter).targets().find(base.model()).keySet())
                    .isEqualTo(adapter.deltas().keySet())
                    .isNotEmpty()
                    .doesNotContain("bert.encoder.layer.0.attention.self.query");
        }
    }

    @Test
    void expertsThatShareAFactorCannotBeDrawn() {
        assertThatThrownBy(() -> SPEC.with(m -> m.kind(MixtureSpec.Kind.SHARED_A)))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("drawn at random");
    }
}
