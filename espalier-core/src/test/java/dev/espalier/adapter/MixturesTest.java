package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.allocation.MatrixShape;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of every mixture, on one linear. */
class MixturesTest {
    private static final int TOKENS = OneMixture.TOKENS;
    private static final int[] LENGTHS = OneMixture.LENGTHS;

    static Stream<String> methods() {
        return Mixtures.all().keySet().stream();
    }

    private static Stream<String> methods(Predicate<MixtureSpec> which) {
        return methods().filter(name -> which.test(Mixtures.of(name)));
    }

    static Stream<String> lowRankMethods() {
        return methods(spec -> spec.experts().kind() != Kind.SCALE
                && spec.experts().initialisation() != Initialisation.SVD_SEGMENTS
                && isRouted(spec));
    }

    static Stream<String> routedMethods() {
        return methods(MixturesTest::isRouted);
    }

    /** Whether something decides on experts that are alike, all in one weight. */
    private static boolean isRouted(MixtureSpec spec) {
        return !spec.stages().universal()
                && !List.of(Scorer.TASK, Scorer.MODULES, Scorer.RANDOM)
                        .contains(spec.routing().scorer());
    }

    static Stream<Arguments> topK() {
        return withRouters(methods(spec -> spec.routing().choice() == Choice.TOP_K && isRouted(spec)));
    }

    static Stream<Arguments> routed() {
        return withRouters(routedMethods());
    }

    static Stream<Arguments> all() {
        return withRouters(methods());
    }

    private static Stream<Arguments> withRouters(Stream<String> methods) {
        return Stream.concat(
                methods.map(name -> Arguments.of(name, small(Mixtures.of(name)))), MixtureCompositions.routers());
    }

    /** Few experts, and losses that weigh something. */
    static MixtureSpec small(MixtureSpec spec) {
        boolean segments = spec.experts().initialisation() == Initialisation.SVD_SEGMENTS;
        return spec.with(m -> m.experts(spec.experts().count() == 1 ? 1 : 5)
                .expertsByDepth(List.of())
                .ranksByDepth(List.of())
                .rank(Math.min(segments ? 2 : 3, spec.experts().rank()))
                .topK(Math.min(2, spec.routing().topK()))
                .auxiliaryCoefficient(spec.losses().coefficient() > 0 ? .5 : 0));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.espalier.adapter.MixtureCompositions#all")
    void gradientsAreTheSlopesOfTheLoss(String name, MixtureSpec spec) {
        // Root gradients are no slopes by intent; KernelTest has them.
        try (var one =
                new OneMixture(spec.with(m -> m.dropout(0).expertDropout(0).rootGradient(false)), 1)) {
            var gradients = one.step();
            var directions = new ArrayList<Tensor>();
            var ofX = Initialiser.normal(1, RandomStream.of(77), one.x.shape());
            double slope = one.dX.mul(ofX).sum().item_double();
            for (var parameter : one.trained()) {
                var direction = Initialiser.normal(1, RandomStream.of(directions.size()), parameter.shape());
                directions.add(direction);
                slope += gradients.of(parameter).mul(direction).sum().item_double();
            }
            double size = 2e-3;
            double up = one.lossAt(ofX, directions, size);
            double down = one.lossAt(ofX, directions, -2 * size);
            assertThat((up - down) / (2 * size)).isCloseTo(slope, within(2e-2 * Math.max(1, Math.abs(slope))));
            gradients.close();
        }
    }

    @ParameterizedTest
    @MethodSource("lowRankMethods")
    void oneExpertIsLora(String method) {
        var spec = small(Mixtures.of(method)).with(m -> m.experts(1).topK(1).dropout(0));
        try (var one = new OneMixture(spec, 2)) {
            var a = one.parameter("lora_A").value();
            var b = one.parameter("lora_B").value();
            if (spec.routing().scorer() == Scorer.STATIC) {
                one.parameter("router").value().fill_(new Scalar(1));
            }
            double scaling = spec.experts().alpha() / spec.experts().rank();
            var delta = torch.mm(torch.mm(one.x, a.t()), b.t()).mul(new Scalar(scaling));
            var unpadded = Layout.rightPadded(TOKENS, TOKENS, TOKENS, TOKENS);
            assertClose(method, one.evaluate(one.x, unpadded), one.base().add(delta), 1e-4, 1e-5);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("topK")
    void allExpertsChosenIsTheDenseMixture(String name, MixtureSpec spec) {
        try (var chosen = new OneMixture(spec.with(m -> m.topK(5)), 3);
                var dense = new OneMixture(spec.with(m -> m.choice(Choice.ALL)), 3)) {
            assertClose(name, chosen.evaluate(), dense.evaluate(), 1e-5, 1e-6);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("routed")
    void theOrderOfExpertsChangesNothing(String name, MixtureSpec spec) {
        try (var one = new OneMixture(spec, 4)) {
            var before = one.evaluate().clone();
            one.reverseExperts();
            assertClose(name, one.evaluate(), before, 1e-5, 1e-6);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("all")
    void aPaddedBatchIsTheSequencesAlone(String name, MixtureSpec spec) {
        try (var one = new OneMixture(spec, 5)) {
            var together = one.evaluate();
            for (int row = 0; row < LENGTHS.length; row++) {
                var tokens = one.x.narrow(0, (long) row * TOKENS, LENGTHS[row]);
                var alone = one.evaluate(tokens, Layout.rightPadded(LENGTHS[row], LENGTHS[row]));
                assertClose(name, alone, together.narrow(0, (long) row * TOKENS, LENGTHS[row]), 1e-5, 1e-6);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("all")
    void whatTrainsAreExpertsAndRoutersAndAllGetGradients(String name, MixtureSpec spec) {
        try (var one = new OneMixture(spec, 6)) {
            var gradients = one.step();
            for (var parameter : one.trained()) {
                assertThat(parameter.name()).containsPattern("experts|universal|lora_|router|threshold");
                assertThat(gradients.of(parameter).abs().sum().item_double())
                        .as(parameter.name())
                        .isPositive();
            }
            var scorer = spec.routing().scorer();
            boolean hasRouter = scorer != Scorer.TASK && scorer != Scorer.RANDOM;
            assertThat(one.trained().stream().anyMatch(p -> p.name().contains("router")))
                    .isEqualTo(hasRouter);
            gradients.close();
        }
    }

    @ParameterizedTest
    @MethodSource("routedMethods")
    void anAllocationGivesEveryModuleItsExperts(String method) {
        var spec = small(Mixtures.of(method)).with(m -> m.expertsPattern(Map.of("linear", 2, "other", 0)));
        assertThat(spec.adapts("layer.0.other")).isFalse();
        try (var one = new OneMixture(spec, 7)) {
            assertThat(one.parameter("router").shape()[0] % 2).isZero();
            assertThat(one.evaluate().isfinite().all().item_bool()).isTrue();
        }
    }

    /** So a budget of trained weights is shared out to the last one. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("all")
    void anAllocationCountsWhatTrains(String name, MixtureSpec spec) {
        for (int experts : new int[] {spec.experts().count(), 1}) {
            var some = spec.with(m ->
                    m.experts(experts).topK(Math.min(experts, spec.routing().topK())));
            try (var one = new OneMixture(some, 10)) {
                long trained = one.trained().stream().mapToLong(Parameter::size).sum();
                var cost = new MixtureCost(some);
                assertThat(cost.weights(new MatrixShape(OneMixture.OUT, OneMixture.IN), experts))
                        .isEqualTo(trained);
                assertThat(cost.weights(new MatrixShape(OneMixture.OUT, OneMixture.IN), 0))
                        .isZero();
            }
        }
    }

    @Test
    void whatIsForLowRankExpertsIsRefusedForVectors() {
        var vectors = Mixtures.of("mov");
        var message = "Experts that are vectors have no low-rank factors, which overlap-coefficient, riemannian-epsilon"
                + " and root-gradient are for; leave these out, or choose another kind.";
        assertThatThrownBy(() -> vectors.with(m -> m.overlapCoefficient(.1))).hasMessage(message);
        assertThatThrownBy(() -> vectors.with(m -> m.riemannianEpsilon(.1))).hasMessage(message);
        assertThatThrownBy(() -> vectors.with(m -> m.rootGradient(true))).hasMessage(message);
    }

    @Test
    void alphaCountsOnceWhereExpertsHaveTrainedWeights() {
        var spec = small(Mixtures.of("mlae")).with(m -> m.dropout(0).alpha(3));
        try (var one = new OneMixture(spec, 9)) {
            one.parameter("router").value().fill_(new Scalar(3));
            var a = one.parameter("lora_A").value();
            var b = one.parameter("lora_B").value();
            var delta = torch.mm(torch.mm(one.x, a.t()), b.t()).mul(new Scalar(3));
            assertClose("y", one.evaluate(), one.base().add(delta), 1e-4, 1e-5);
        }
    }

    @Test
    void goatWithEvenGatesStartsAtTheFrozenWeight() {
        var even = small(Mixtures.of("goat")).with(m -> m.choice(Choice.ALL).dropout(0));
        try (var one = new OneMixture(even, 8)) {
            one.forget();
            one.parameter("router").value().zero_();
            assertClose(
                    "y",
                    one.evaluate(one.x, Layout.rightPadded(TOKENS, TOKENS, TOKENS, TOKENS)),
                    one.base(),
                    1e-5,
                    1e-5);
            var a = one.parameter("experts.lora_A").value();
            var b = one.parameter("experts.lora_B").value();
            // Expert 1 of 5 has the first 2 of the weight's 3rd and 4th singular values: segments of 10 / 5.
            var expert = torch.mm(b.narrow(1, 2, 2), a.narrow(0, 2, 2));
            var found = torch.linalg_svd(one.linear.weight().value(), false, new StringViewOptional());
            var want = torch.mm(
                    new Tensor(found.get0()).narrow(1, 2, 2).mul(new Tensor(found.get1()).narrow(0, 2, 2)),
                    new Tensor(found.get2()).narrow(0, 2, 2));
            double scaling = even.experts().alpha() / even.experts().rank();
            assertClose("expert", expert, want.div(new Scalar(10 * scaling)), 1e-4, 1e-5);
        }
    }

    /** What was not checked against code must be said where the method is made and where it is described. */
    @Test
    void whatIsKnownFromAnAbstractIsSaidInJavadocAndGuide() throws IOException {
        var source = Files.readString(Path.of("src/main/java/dev/espalier/adapter/Mixtures.java"));
        var javadoc = source.substring(source.indexOf("<p>Not all"), source.indexOf("public final class"));
        var guide = Files.readString(Path.of("..", "docs", "mixtures.md"));
        Mixtures.all().forEach((name, method) -> {
            boolean fromCode = method.source() == Mixtures.Source.CODE;
            assertThat(javadoc.contains("{@code " + name + "}")).as(name).isEqualTo(!fromCode);
            var row = guide.lines()
                    .filter(line -> line.startsWith("| `" + name + "` |"))
                    .findFirst()
                    .orElseThrow();
            assertThat(row.matches(".*\\| code [^|]*\\|")).as(name).isEqualTo(fromCode);
        });
    }

    @Test
    void anUnknownMixtureIsNamedWithTheNearest() {
        assertThatThrownBy(() -> Mixtures.of("adamol"))
                .isInstanceOf(InputException.class)
                .hasMessage("There is no mixture 'adamol'; did you mean 'adamole'?");
    }
}
