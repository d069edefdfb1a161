package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static dev.espalier.Fixtures.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.json.Json;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** One adapted linear, forward and backward, against numbers computed in double from the formulas. */
class MixtureFixtureTest {
    private static final int SEQUENCES = 2;
    private static final int TOKENS = 10;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "no_capacity",
                "tight_capacity",
                "capacity_one",
                "padding",
                "padding_tight",
                "dropout",
                "dropout_starved",
                "dropout_padding_tight",
                "k_equals_e",
                "k1_tight",
                "e1_is_lora"
            })
    void siraMeetsOutputsGradientsAndCounts(String name) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/sira_" + name + ".safetensors")) {
            var settings = Json.read(Fixtures.path("moe/sira_" + name + ".json"));
            var spec = spec(settings);
            var linear = linear(file);
            var weights = new DeltaWeights("default", "linear", 1, values(file), owner);
            var delta = spec.delta(linear, weights, dropout(spec, file));

            try (var pass = new Pass(file, linear, delta, weights)) {
                double aux = settings.path("aux_coefficient").asDouble() * scalar(file.tensor("out.aux.sequence"));
                assertThat(pass.context.auxiliaryLoss()).isCloseTo(aux, within(1e-6));
                double loss = pass.loss() + pass.context.auxiliaryLoss();
                assertThat(loss).isCloseTo(scalar(file.tensor("out.loss")), withinPercentage(.01));
                var observed = pass.context.observations().get(0);
                assertThat(observed.chosen())
                        .isEqualTo(longs(file.tensor("out.info.routed_counts").sum(0)));
                assertThat(observed.kept())
                        .isEqualTo(longs(file.tensor("out.info.kept_counts").sum(0)));
                assertThat(observed.tokens())
                        .isEqualTo(longs(file.tensor("in.attention_mask").sum())[0]);
                compareCapacity(file, spec);
                pass.compareGradients(file, spec.experts());
                var router = pass.gradient("linear.router.default.weight");
                assertClose("router", router, file.tensor("out.grad.router"), 1e-4, 1e-4);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tight_capacity", "padding", "dropout_padding_tight", "dropout_starved"})
    void combineWeightsAreThoseOfTheFixture(String name) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/sira_" + name + ".safetensors")) {
            var spec = spec(Json.read(Fixtures.path("moe/sira_" + name + ".json")));
            var weights = new DeltaWeights("default", "linear", 1, values(file), owner);
            spec.delta(linear(file), weights, dropout(spec, file));
            var settings = new TopKGate.Settings(
                    spec.topK(),
                    false,
                    dropout(spec, file),
                    new ExpertCapacity(spec.capacityFactor(), false),
                    new LoadBalanceLoss(0, false));
            var router = new TopKRouter("linear", weights.made().get(2).parameter(), 1, settings);
            try (var context = context(file, Tape.inference())) {
                var x = context.tape().constant(file.tensor("in.x").view(SEQUENCES * TOKENS, -1));
                var got = router.route(x, context).weights();
                var want = file.tensor("out.info.combine_weights");
                assertClose(name, got.view(want.shape()), want, 1e-4, 1e-6);
            }
        }
    }

    @Test
    void oneExpertWithoutRouterIsLora() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/shared_a_dense_n1.safetensors")) {
            var linear = linear(file);
            var spec = LoraSpec.defaults().withRank(3).withAlpha(6);
            var weights = new DeltaWeights("default", "linear", 1, values(file), owner);
            try (var pass = new Pass(file, linear, spec.delta(linear, weights), weights)) {
                assertThat(pass.loss()).isCloseTo(scalar(file.tensor("out.loss")), withinPercentage(.01));
                var a = pass.gradient("linear.lora_A.default.weight");
                assertClose("A", a, file.tensor("out.grad.A"), 1e-4, 1e-4);
                var b = pass.gradient("linear.lora_B.default.weight");
                assertClose("B", b, file.tensor("out.grad.B.0"), 1e-4, 1e-4);
            }
        }
    }

    private static SiraSpec spec(JsonNode settings) {
        var factor = settings.path("capacity_factor");
        return SiraSpec.defaults()
                .withExperts(
                        settings.path("experts").asInt(), settings.path("top_k").asInt())
                .withRank(settings.path("rank").asInt())
                .withAlpha(settings.path("alpha").asDouble())
                .withDropout(0)
                .withExpertDropout(settings.path("expert_dropout").asDouble(0))
                .withCapacityFactor(factor.isNumber() ? Optional.of(factor.asDouble()) : Optional.empty())
                .withAuxiliaryCoefficient(settings.path("aux_coefficient").asDouble());
    }

    private static ExpertDropout dropout(SiraSpec spec, TensorSource file) {
        var mask = "in.dropout_keep_mask";
        return new ExpertDropout(
                spec.expertDropout(),
                (context, experts) -> file.names().contains(mask) ? FloatArrays.of(file.tensor(mask)) : null);
    }

    private static DeltaWeights.Source values(TensorSource file) {
        return (module, key, layout, initial) -> switch (key) {
            case "lora_A.weight" -> file.tensor("in.A");
            case "lora_B.weight" -> file.tensor("in.B.0");
            case "router.weight" -> file.tensor("in.router");
            case "experts.lora_A.weight" -> layout.fromFile(stacked(file, "in.A."));
            default -> layout.fromFile(stacked(file, "in.B."));
        };
    }

    /** The experts' tensors called {@code prefix0}, {@code prefix1} and so on. */
    private static Tensor stacked(TensorSource file, String prefix) {
        var experts = new ArrayList<Tensor>();
        while (file.names().contains(prefix + experts.size())) {
            experts.add(file.tensor(prefix + experts.size()));
        }
        return torch.stack(new TensorVector(experts.toArray(Tensor[]::new)), 0);
    }

    private static Linear linear(TensorSource file) {
        return new Linear(
                "linear",
                new Parameter("linear.weight", file.tensor("in.W0"), false),
                new Parameter("linear.bias", file.tensor("in.bias"), false));
    }

    private static ForwardContext context(TensorSource file, Tape tape) {
        var lengths = Arrays.stream(longs(file.tensor("in.attention_mask").sum(1)))
                .mapToInt(Math::toIntExact)
                .toArray();
        var training = new ForwardContext.Training(RandomStream.of(1), new long[] {0, 1}, SEQUENCES);
        return ForwardContext.training(tape, Layout.rightPadded(TOKENS, lengths), training);
    }

    private static void compareCapacity(TensorSource file, SiraSpec spec) {
        if (spec.capacityFactor().isEmpty()) {
            return;
        }
        var lengths = longs(file.tensor("in.attention_mask").sum(1));
        var capacity = new ExpertCapacity(spec.capacityFactor(), false);
        assertThat(Arrays.stream(lengths).map(l -> capacity.slots(spec.topK(), (int) l, spec.experts())))
                .containsExactly(Arrays.stream(longs(file.tensor("out.info.capacity")))
                        .boxed()
                        .toArray(Long[]::new));
    }

    private static double scalar(Tensor tensor) {
        return Fixtures.doubles(tensor)[0];
    }

    /** Forward and backward of {@code sum(output * G)}; the output is compared on the way. */
    private static final class Pass implements AutoCloseable {
        private final Gradients gradients;
        private final List<Parameter> parameters;
        private final ForwardContext context;
        private final Tensor output;
        private final Tensor outputGradient;
        private final Tensor dX;

        Pass(TensorSource file, Linear linear, LinearDelta delta, DeltaWeights weights) {
            parameters =
                    weights.made().stream().map(DeltaWeights.Stored::parameter).toList();
            gradients = new Gradients(parameters);
            linear.attach("default", delta);
            context = context(file, Tape.recording(gradients));
            var x = context.tape().input(file.tensor("in.x").view(SEQUENCES * TOKENS, -1));
            var y = linear.forward(x, context);
            output = y.value();
            var want = file.tensor("out.output");
            assertClose("output", output.view(want.shape()), want, 1e-4, 1e-5);
            outputGradient = file.tensor("in.G").view(SEQUENCES * TOKENS, -1);
            context.tape().backward(y, outputGradient.clone());
            dX = Objects.requireNonNull(x.gradient()).clone();
            var wantX = file.tensor("out.grad.x");
            assertClose("x", dX.view(wantX.shape()), wantX, 1e-4, 1e-4);
        }

        double loss() {
            return output.mul(outputGradient).sum().item_double();
        }

        Tensor gradient(String name) {
            return Objects.requireNonNull(gradients.byName().get(name), name);
        }

        void compareGradients(TensorSource file, int experts) {
            var a = gradient("linear.experts.lora_A.default.weight").view(experts, -1, 24);
            var b = gradient("linear.experts.lora_B.default.weight").view(20, experts, -1);
            for (int e = 0; e < experts; e++) {
                assertClose("A." + e, a.select(0, e), file.tensor("out.grad.A." + e), 1e-4, 1e-4);
                assertClose("B." + e, b.select(1, e), file.tensor("out.grad.B." + e), 1e-4, 1e-4);
            }
        }

        @Override
        public void close() {
            context.close();
            gradients.close();
        }
    }
}
