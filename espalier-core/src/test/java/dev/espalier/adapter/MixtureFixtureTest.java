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
import dev.espalier.routing.Activation;
import dev.espalier.routing.ExpertDropout;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
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
                "sira_no_capacity sequence",
                "sira_tight_capacity sequence",
                "sira_capacity_one sequence",
                "sira_padding sequence",
                "sira_padding_tight sequence",
                "sira_padding_tight batch",
                "sira_dropout sequence",
                "sira_dropout_starved sequence",
                "sira_dropout_padding_tight sequence",
                "sira_dropout_padding_tight batch",
                "sira_k_equals_e sequence",
                "sira_k1_tight sequence",
                "sira_e1_is_lora sequence",
                "molora_dense none",
                "shared_a_dense_n1 none",
                "shared_a_dense_n2 none",
                "shared_a_dense_n3 none",
                "shared_a_dense_n4 none",
                "mola_top1 by_selection",
                "mola_top1 by_token",
                "mola_top2 by_selection",
                "mola_top2 by_token",
                "mola_top2_padding by_selection",
                "mola_top2_padding by_token",
                "adamole_default margin",
                "adamole_high_threshold margin",
                "loramoe_balance unbiased_var",
                "loramoe_balance biased_var",
                "rank_gated_softmax none",
                "rank_gated_softmax_renormalised none",
                "rank_gated_sigmoid none"
            })
    void outputLossGradientsAndCountsAreTheFixtures(String caseAndLoss) {
        var name = caseAndLoss.split(" ")[0];
        var loss = caseAndLoss.split(" ")[1];
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/" + name + ".safetensors")) {
            var settings = Json.read(Fixtures.path("moe/" + name + ".json"));
            var spec = spec(settings, loss);
            var linear = linear(file);
            var weights = new DeltaWeights("default", "linear", values(file), owner);
            var delta = new MixtureParts(spec, linear, weights, dropout(spec, file)).delta();

            try (var pass = new Pass(file, linear, delta, weights)) {
                double aux = loss.equals("none")
                        ? 0
                        : settings.path("aux_coefficient").asDouble() * scalar(file.tensor("out.aux." + loss));
                assertThat(pass.context.auxiliaryLoss()).isCloseTo(aux, within(1e-6 + 1e-5 * Math.abs(aux)));
                boolean first = loss.equals("none")
                        || loss.equals(settings.path("grad_uses_aux").asString());
                if (first) {
                    assertThat(pass.loss() + aux).isCloseTo(scalar(file.tensor("out.loss")), withinPercentage(.01));
                }
                compareObservation(file, pass);
                pass.compareGradients(file, first ? "out.grad." : "out.grad_with_aux_" + loss + ".");
            }
        }
    }

    private static void compareObservation(TensorSource file, Pass pass) {
        if (pass.context.observations().isEmpty()) {
            return;
        }
        var observed = pass.context.observations().get(0);
        assertThat(observed.tokens())
                .isEqualTo(longs(file.tensor("in.attention_mask").sum())[0]);
        for (var counts : List.of("routed_counts", "selected_counts")) {
            if (file.names().contains("out.info." + counts)) {
                var want = file.tensor("out.info." + counts);
                assertThat(observed.chosen()).isEqualTo(longs(want.dim() == 2 ? want.sum(0) : want));
            }
        }
        if (file.names().contains("out.info.kept_counts")) {
            assertThat(observed.kept())
                    .isEqualTo(longs(file.tensor("out.info.kept_counts").sum(0)));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sira_tight_capacity",
                "sira_padding",
                "sira_dropout_padding_tight",
                "sira_dropout_starved",
                "mola_top1",
                "mola_top2_padding",
                "adamole_default",
                "adamole_high_threshold",
                "rank_gated_sigmoid",
                "rank_gated_softmax_renormalised"
            })
    void combineWeightsAreThoseOfTheFixture(String name) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/" + name + ".safetensors")) {
            var spec = spec(Json.read(Fixtures.path("moe/" + name + ".json")), "none");
            var weights = new DeltaWeights("default", "linear", values(file), owner);
            var delta = (RankGatedDelta) new MixtureParts(spec, linear(file), weights, dropout(spec, file)).delta();
            try (var context = context(file, Tape.inference())) {
                var x = context.tape().constant(file.tensor("in.x").view(SEQUENCES * TOKENS, -1));
                var got = delta.router().orElseThrow().route(x, context).weights();
                var want = file.tensor("out.info.combine_weights");
                assertClose(name, got.view(want.shape()), want, 1e-4, 1e-6);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rank_gated_softmax", "rank_gated_softmax_renormalised", "rank_gated_sigmoid"})
    void theBiasOnTheChoiceMovesAgainstTheLoad(String name) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner();
                var file = Fixtures.tensors("moe/" + name + ".safetensors")) {
            var spec = spec(Json.read(Fixtures.path("moe/" + name + ".json")), "none");
            var weights = new DeltaWeights("default", "linear", values(file), owner);
            var delta = (RankGatedDelta) new MixtureParts(spec, linear(file), weights).delta();

            delta.router().orElseThrow().balance(longs(file.tensor("out.info.selected_counts")));

            var bias = weights.made().get(weights.made().size() - 1);
            assertThat(bias.key()).isEqualTo("router.selection_bias");
            assertThat(bias.parameter().trainable()).isFalse();
            assertClose(name, bias.parameter().value(), file.tensor("out.info.selection_bias_after"), 1e-6, 1e-7);
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
            var weights = new DeltaWeights("default", "linear", values(file), owner);
            try (var pass = new Pass(file, linear, spec.delta(linear, weights), weights)) {
                assertThat(pass.loss()).isCloseTo(scalar(file.tensor("out.loss")), withinPercentage(.01));
                var a = pass.gradient("linear.lora_A.default.weight");
                assertClose("A", a, file.tensor("out.grad.A"), 1e-4, 1e-4);
                var b = pass.gradient("linear.lora_B.default.weight");
                assertClose("B", b, file.tensor("out.grad.B.0"), 1e-4, 1e-4);
            }
        }
    }

    /** The method's setting with the fixture's sizes; {@code loss} is the variant of the auxiliary loss. */
    private static MixtureSpec spec(JsonNode settings, String loss) {
        var method = settings.path("method").asString();
        var base = Mixtures.of(
                switch (method) {
                    case "lora_smoe" -> Mixtures.LORA_SMOE;
                    case "rank_gated" -> "smora";
                    default -> method;
                });
        boolean ranks = method.equals("rank_gated");
        int rank = settings.path("rank").asInt();
        var factor = settings.path("capacity_factor");
        return base.with(m -> {
            m.experts(ranks ? rank : settings.path("experts").asInt())
                    .expertsByDepth(List.of())
                    .rank(ranks ? 1 : rank)
                    .alpha(settings.path("alpha").asDouble() / (ranks ? rank : 1))
                    .dropout(0)
                    .topK(settings.path("top_k").asInt(1))
                    .expertDropout(settings.path("expert_dropout").asDouble(0))
                    .capacityFactor(factor.isNumber() ? Optional.of(factor.asDouble()) : Optional.empty())
                    .auxiliaryCoefficient(
                            loss.equals("none")
                                    ? 0
                                    : settings.path("aux_coefficient").asDouble())
                    .localisation(settings.path("delta").asDouble(0));
            if (ranks) {
                m.renormalise(settings.path("renormalise").asBoolean())
                        .activation(
                                settings.path("activation").asString().equals("sigmoid")
                                        ? Activation.SIGMOID
                                        : Activation.SOFTMAX)
                        .biasStep(settings.path("bias_step").asDouble());
            }
            if (settings.has("tau_max")) {
                m.threshold(Optional.of(settings.path("tau_max").asDouble()));
            }
            switch (loss) {
                case "sequence" -> m.auxiliaryScope(LoadBalanceLoss.Scope.SEQUENCE);
                case "batch" -> m.auxiliaryScope(LoadBalanceLoss.Scope.BATCH);
                case "by_selection" ->
                    m.auxiliaryScale(LoadBalanceLoss.Scale.BY_SELECTION).auxiliaryScope(LoadBalanceLoss.Scope.BATCH);
                case "by_token" ->
                    m.auxiliaryScale(LoadBalanceLoss.Scale.BY_TOKEN).auxiliaryScope(LoadBalanceLoss.Scope.BATCH);
                case "biased_var" -> m.biasedVariance(true);
                default -> {}
            }
        });
    }

    private static ExpertDropout dropout(MixtureSpec spec, TensorSource file) {
        var mask = "in.dropout_keep_mask";
        return new ExpertDropout(
                spec.routing().expertDropout(),
                (context, gates) -> file.names().contains(mask) ? FloatArrays.of(file.tensor(mask)) : null);
    }

    private static DeltaWeights.Source values(TensorSource file) {
        return (module, key, layout, initial) -> switch (key) {
            case "lora_A.weight" -> file.tensor("in.A");
            case "lora_B.weight" -> file.tensor("in.B.0");
            case "router.weight" -> file.tensor("in.router");
            case "router.selection_bias" -> file.tensor("in.selection_bias");
            case "threshold.weight" -> file.tensor("in.threshold_weight");
            case "threshold.bias" -> file.tensor("in.threshold_bias");
            case "experts.lora_A.weight" ->
                isRanked(file) ? file.tensor("in.A.0") : layout.fromFile(stacked(file, "in.A."));
            default -> isRanked(file) ? file.tensor("in.B.0") : layout.fromFile(stacked(file, "in.B."));
        };
    }

    /** Whether every rank of one LoRA is an expert. */
    private static boolean isRanked(TensorSource file) {
        return file.names().contains("in.selection_bias");
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
        var context = ForwardContext.training(tape, Layout.rightPadded(TOKENS, lengths), training);
        return file.names().contains("in.task_type")
                ? context.tasks(Arrays.stream(longs(file.tensor("in.task_type")))
                        .mapToInt(Math::toIntExact)
                        .toArray())
                : context;
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
        }

        double loss() {
            return output.mul(outputGradient).sum().item_double();
        }

        Tensor gradient(String name) {
            return Objects.requireNonNull(gradients.byName().get(name), name);
        }

        /** All gradients that the fixture has under {@code prefix}. */
        void compareGradients(TensorSource file, String prefix) {
            int compared = 0;
            for (var name : file.names()) {
                if (name.startsWith(prefix)) {
                    var want = file.tensor(name);
                    var got = gradientOf(name.substring(prefix.length()), isRanked(file));
                    assertClose(name, got.reshape(want.shape()), want, 1e-4, 1e-4);
                    compared++;
                }
            }
            assertThat(compared).as("gradients compared").isGreaterThan(1);
        }

        private Tensor gradientOf(String name, boolean ranked) {
            var parts = name.split("\\.");
            int expert = parts.length > 1 ? Integer.parseInt(parts[1]) : 0;
            return switch (parts[0]) {
                case "x" -> dX;
                case "router" -> gradient("linear.router.default.weight");
                case "threshold_weight" -> gradient("linear.threshold.default.weight");
                case "threshold_bias" -> gradient("linear.threshold.default.bias");
                case "A" ->
                    parts.length == 1 || ranked
                            ? parameterGradient("lora_A")
                            : parameterGradient("lora_A").view(-1, 3, 24).select(0, expert);
                default ->
                    ranked
                            ? parameterGradient("lora_B")
                            : parameterGradient("lora_B").view(20, -1, 3).select(1, expert);
            };
        }

        private Tensor parameterGradient(String part) {
            return gradients.byName().entrySet().stream()
                    .filter(entry -> entry.getKey().contains(part))
                    .findFirst()
                    .orElseThrow()
                    .getValue();
        }

        @Override
        public void close() {
            context.close();
            gradients.close();
        }
    }
}
