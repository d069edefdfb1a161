package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.json.Json;
import dev.espalier.kernel.SparseMatrix;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The sparse change of one linear: against the fixture's numbers, and against its formula. */
class SparseDeltaTest {
    private static final String PATH = "layers.0.linear";

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final SafetensorsFile fixture = Fixtures.tensors("sparse/sparse.safetensors");
    private final JsonNode notes = Json.read(Fixtures.path("sparse/sparse.json"));

    @AfterEach
    void free() {
        fixture.close();
        scope.close();
        guard.close();
    }

    /** The fixture's linear with its 307 kept entries. */
    private final class Masked {
        private final Linear linear;
        private final SparseDelta delta;
        private final Parameter values;

        Masked(ScalarType dtype) {
            linear = new Linear(
                    PATH,
                    new Parameter(PATH + ".weight", fixture.tensor("W").to(dtype), false),
                    new Parameter(PATH + ".bias", fixture.tensor("bias").to(dtype), false));
            var places = fixture.tensor("masked.indices");
            var flat = places.select(1, 0).mul(new Scalar(linear.inFeatures())).add(places.select(1, 1));
            var indices = Parameter.resizable("indices", flat.to(ScalarType.Int), false);
            values = Parameter.resizable(
                    "values", fixture.tensor("masked.values").clone(), true);
            delta = new SparseDelta(linear, 1, indices, values);
            linear.attach("default", delta);
        }
    }

    /** Forward and backward of one pass. */
    private record Pass(Tensor y, Tensor dX, Tensor dValues) {}

    private static Pass pass(Masked masked, Tensor x, UnaryOperator<Tensor> gradient) {
        try (var gradients = new Gradients(List.of(masked.values));
                var context = ForwardContext.evaluation(
                        Tape.recording(gradients), Layout.rightPadded((int) x.size(0), (int) x.size(0)))) {
            Variable input = context.tape().input(x);
            var y = masked.linear.forward(input, context);
            context.tape().backward(y, gradient.apply(y.value()));
            return new Pass(
                    y.value(),
                    Objects.requireNonNull(input.gradient()).clone(),
                    gradients.of(masked.values).clone());
        }
    }

    @Test
    void outputAndGradientsAreTheFixtures() {
        var pass = pass(new Masked(ScalarType.Float), fixture.tensor("x"), y -> fixture.tensor("G")
                .clone());
        assertClose("output", pass.y, fixture.tensor("masked.output"), 1e-4, 2e-5);
        assertClose("grad_values", pass.dValues, fixture.tensor("masked.grad_values"), 1e-4, 2e-5);
        assertClose("grad_x", pass.dX, fixture.tensor("masked.grad_x"), 1e-4, 2e-5);
    }

    @Test
    void tenStepsOfAdamWOnTheValuesAloneFollowTheFixture() {
        var masked = new Masked(ScalarType.Float);
        var x = fixture.tensor("x");
        var target = fixture.tensor("target");
        var losses = Fixtures.doubles(fixture.tensor("train.losses"));
        var adamW = notes.path("adamw");
        try (var optimizer = new AdamW(
                List.of(ParameterGroup.of(
                        Map.of("values", masked.values.value()),
                        adamW.path("wd").asDouble())),
                AdamW.Options.DEFAULT)) {
            for (int step = 0; step <= adamW.path("steps").asInt(); step++) {
                var loss = new double[1];
                var pass = pass(masked, x, y -> {
                    var error = y.sub(target);
                    loss[0] = error.square().mean().item_double();
                    return error.mul(new Scalar(2.0 / error.numel()));
                });
                assertThat(loss[0])
                        .as("loss before step " + step)
                        .isCloseTo(losses[step], within(1e-4 * losses[step] + 2e-5));
                if (step < adamW.path("steps").asInt()) {
                    optimizer.step(
                            Map.of("values", pass.dValues), adamW.path("lr").asDouble());
                }
            }
        }
        assertClose("final values", masked.values.value(), fixture.tensor("train.final_values"), 1e-4, 2e-5);
    }

    /** In bf16 a product is that with the bf16 numbers next to W + S, forward and backward; the values stay fp32. */
    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void inBf16TheSumIsRoundedOnceAndStepsAddUp(int block) {
        var spec = SparseSpec.sparse().withKeepRatio(.3).withBlockSize(block);
        try (var check = new FormulaCheck(spec, 12, 8)) {
            check.randomise();
            var weight = FormulaCheck.random("weight", 8, 12).to(ScalarType.BFloat16);
            var linear = new Linear(PATH, new Parameter(PATH + ".weight", weight, false), null);
            var delta = (SparseDelta) check.delta();
            linear.attach("default", delta);
            // Each step is less than half of the distance between bf16 numbers at 1, and 32 of them are not.
            var step =
                    FormulaCheck.random("step", delta.values().shape()).sign().mul(new Scalar(1e-3));
            for (int i = 0; i < 32; i++) {
                delta.values().value().add_(step);
            }
            var change = torch.zeros(8, 12);
            delta.sparse().addTo(change);
            var sum = weight.to(ScalarType.Float).add(change).to(ScalarType.BFloat16);
            var x = FormulaCheck.random("x", 6, 12).to(ScalarType.BFloat16);
            try (var gradients = new Gradients(List.of(delta.values()));
                    var context = ForwardContext.evaluation(Tape.recording(gradients), Layout.rightPadded(6, 6))) {
                var input = context.tape().input(x);
                var y = linear.forward(input, context);
                assertClose("y", y.value(), torch.mm(x, sum.t()), 0, 0);
                var g = FormulaCheck.random("g", 6, 8).to(ScalarType.BFloat16);
                context.tape().backward(y, g);
                var dW = torch.mm(g.t().to(ScalarType.Float), x.to(ScalarType.Float));
                assertClose(
                        "values", gradients.of(delta.values()), delta.sparse().entriesOf(dW), 1e-2, 1e-2);
                assertClose("x", Objects.requireNonNull(input.gradient()), torch.mm(g, sum), 0, 0);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 4})
    void followsItsFormulaForwardAndBackward(int block) {
        var spec = SparseSpec.sparse().withKeepRatio(.3).withBlockSize(block);
        try (var check = new FormulaCheck(spec, 12, 8)) {
            check.changesNothing();
            check.randomise();
            check.follows((x, dropped, weights) -> {
                var delta = (SparseDelta) check.delta();
                var key = block > 0 ? SparseSpec.BLOCK_VALUES : SparseSpec.VALUES;
                return check.plain(x)
                        .add(torch.mm(
                                x,
                                scattered(delta, FormulaCheck.get(weights, key)).t()));
            });
            check.mergesAsItActs();
        }
    }

    /** {@code S} of {@code values}, which libtorch can differentiate, by products with a matrix of units. */
    private static Tensor scattered(SparseDelta delta, Tensor values) {
        var s = delta.sparse();
        long size = (long) s.out() * s.in();
        long count = values.numel();
        var unit = torch.zeros(new long[] {size, count}, values.options().requires_grad(new BoolOptional(false)));
        for (long entry = 0; entry < count; entry++) {
            var one = torch.zeros(values.shape(), Engine.options(ScalarType.Float));
            one.view(-1).narrow(0, entry, 1).fill_(new Scalar(1.0));
            var place = torch.zeros(new long[] {s.out(), s.in()}, Engine.options(ScalarType.Float));
            new SparseMatrix(s.out(), s.in(), s.block(), s.indices(), one).addTo(place);
            unit.select(1, entry).copy_(place.view(-1));
        }
        return torch.mv(unit, values.reshape(-1)).view(s.out(), s.in());
    }

    @Test
    void keepingEverythingIsTheDenseChange() {
        try (var check = new FormulaCheck(SparseSpec.sparse().withKeepRatio(1), 12, 8)) {
            check.randomise();
            var change = check.parameter(SparseSpec.VALUES).value().view(8, 12);
            var merged = ((Mergeable) check.delta()).merged(check.linear().matrix(), 0);
            assertClose("merged", merged, check.linear().matrix().add(change), 0, 1e-6);
            check.follows((x, dropped, weights) -> check.plain(x)
                    .add(torch.mm(
                            x,
                            FormulaCheck.get(weights, SparseSpec.VALUES)
                                    .view(8, 12)
                                    .t())));
        }
    }

    @Test
    void theBaseWeightIsTheSameToTheBitWhileTheDeltaActsAndAfter() {
        var masked = new Masked(ScalarType.Float);
        var before = FloatArrays.of(masked.linear.matrix());
        var pass = pass(masked, fixture.tensor("x"), y -> fixture.tensor("G").clone());
        assertThat(FloatArrays.of(masked.linear.matrix())).isEqualTo(before);
        masked.linear.detach("default");
        var plain = pass(masked, fixture.tensor("x"), y -> fixture.tensor("G").clone());
        assertClose(
                "plain output",
                plain.y,
                torch.mm(fixture.tensor("x"), fixture.tensor("W").t()).add(fixture.tensor("bias")),
                1e-4,
                2e-5);
        assertThat(FloatArrays.of(plain.y)).isNotEqualTo(FloatArrays.of(pass.y));
    }

    /** Beside another adapter, in either order, changes add up. */
    @Test
    void actsBesideOtherDeltas() {
        var x = fixture.tensor("x");
        var masked = new Masked(ScalarType.Float);
        var alone = pass(masked, x, y -> fixture.tensor("G").clone());
        var plain = torch.mm(x, fixture.tensor("W").t()).add(fixture.tensor("bias"));
        var a = new Parameter("a", Initialiser.normal(.3, RandomStream.of(1), 2, 48), false);
        var b = new Parameter("b", Initialiser.normal(.3, RandomStream.of(2), 64, 2), false);
        var lora = new RankGatedDelta(PATH, a, b, 1, 1, 0, null);
        var added = torch.mm(torch.mm(x, a.value().t()), b.value().t());
        masked.linear.attach("lora", lora);
        var after = pass(masked, x, y -> fixture.tensor("G").clone());
        masked.linear.detach("default");
        masked.linear.attach("default", masked.delta);
        var before = pass(masked, x, y -> fixture.tensor("G").clone());
        for (var both : List.of(after, before)) {
            assertClose("output", both.y, alone.y.add(added), 1e-4, 2e-5);
            assertClose("grad_values", both.dValues, alone.dValues, 1e-4, 2e-5);
            assertClose(
                    "grad_x",
                    both.dX,
                    alone.dX.add(torch.mm(torch.mm(fixture.tensor("G"), b.value()), a.value())),
                    1e-4,
                    5e-5);
        }
        assertThat(FloatArrays.of(plain)).isNotEqualTo(FloatArrays.of(alone.y));
    }
}
