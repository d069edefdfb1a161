package dev.espalier.adapter;

import dev.espalier.routing.RouterNoise;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code ESPALIER_METHOD} for each method of {@link Mixtures}: no PEFT type, but PEFT's keys where they mean the same.
 * All axes of the composition stand in the file, so that it means the same whatever the method's defaults become.
 * Tensors of a module: {@code experts.lora_A.weight [E, r, in]}, or {@code lora_A.weight [r, in]} where the experts share
 * it; {@code experts.lora_B.weight [E, out, r]}; {@code experts.scale [E, out]} in their place for vectors;
 * {@code router.weight [E, in]}, {@code [r E, in]} with a gate for every rank, rank after rank, or {@code [E]} without a
 * scorer; {@code router.hidden.weight [h, in]} before a {@code router.weight [E, h]} where the router has two layers;
 * {@code threshold.weight [1, in]} and {@code threshold.bias [1]}; {@code router.selection_bias [E]};
 * {@link StagedExperts} has some more.
 */
record MixtureFormat(Mixtures.Method method) implements ConfigFormat<MixtureSpec> {
    /** One for each method. */
    static List<ConfigFormat<?>> all() {
        return List.copyOf(
                Mixtures.all().values().stream().map(MixtureFormat::new).toList());
    }

    @Override
    public String peftType() {
        return "ESPALIER_" + method.name().toUpperCase(Locale.ROOT).replace('-', '_');
    }

    @Override
    public Class<MixtureSpec> type() {
        return MixtureSpec.class;
    }

    @Override
    public boolean isFor(AdapterSpec spec) {
        return spec instanceof MixtureSpec mixture && mixture.method().equals(method.name());
    }

    @Override
    public MixtureSpec read(ConfigReader config) {
        var d = method.defaults();
        var experts = d.experts();
        var routing = d.routing();
        var losses = d.losses();
        return d.with(m -> m.targets(config.targets())
                .kind(config.constant("expert", experts.kind()))
                .bottlenecks(config.modules("bottlenecks").orElse(experts.bottlenecks()))
                .experts(config.count("num_experts", experts.count()))
                .expertsPattern(config.integers("experts_pattern"))
                .allocated(false)
                .expertsByDepth(config.has("experts_pattern") ? List.of() : experts.byDepth())
                .rank(config.count("r", experts.rank()))
                .rankPattern(config.integers("rank_pattern"))
                .ranksByDepth(config.has("rank_pattern") ? List.of() : experts.ranksByDepth())
                .alpha(config.positive("lora_alpha", experts.alpha()))
                .dropout(config.probability("lora_dropout", experts.dropout()))
                .initialisation(config.constant("initialisation", experts.initialisation()))
                .riemannianEpsilon(config.number("riemannian_epsilon", experts.riemannianEpsilon()))
                .scorer(config.constant("scorer", routing.scorer()))
                .form(new RouterForm(
                        config.constant("router", routing.form().kind()),
                        config.count("router_hidden", routing.form().hidden()),
                        config.positive("router_temperature", routing.form().temperature())))
                .activation(config.constant("activation", routing.activation()))
                .choice(config.constant("choice", routing.choice()))
                .topK(config.count("top_k", routing.topK()))
                .threshold(config.has("threshold") ? config.number("threshold") : routing.threshold())
                .perRank(config.flag("gate_per_rank", routing.perRank()))
                .renormalise(config.flag("renormalise", routing.renormalise()))
                .expertDropout(config.probability("expert_dropout", routing.expertDropout()))
                .capacityFactor(config.number("capacity_factor"))
                .capacityInEvaluation(config.flag("capacity_in_evaluation", routing.capacityInEvaluation()))
                .biasStep(config.number("bias_step", routing.biasStep()))
                .soleRouter(config.flag("sole_router", routing.soleRouter()))
                .noise(new RouterNoise(
                        config.number("router_noise", routing.noise().scores()),
                        config.number("router_jitter", routing.noise().jitter())))
                .rootGradient(config.flag("root_gradient", routing.rootGradient()))
                .balance(config.constant("balance", losses.balance()))
                .auxiliaryCoefficient(config.number("auxiliary_coefficient", losses.coefficient()))
                .auxiliaryScale(config.constant("auxiliary_scale", losses.scale()))
                .auxiliaryScope(config.constant("auxiliary_scope", losses.scope()))
                .localisation(config.number("localisation", losses.localisation()))
                .biasedVariance(config.flag("biased_variance", losses.biasedVariance()))
                .zCoefficient(config.number("z_coefficient", losses.scores()))
                .varianceCoefficient(config.number("variance_coefficient", losses.variance()))
                .entropyCoefficient(config.number("entropy_coefficient", losses.entropy()))
                .consistencyCoefficient(config.number("consistency_coefficient", losses.consistency()))
                .overlapCoefficient(config.number("overlap_coefficient", losses.overlap()))
                .stages(stages(config, d.stages())));
    }

    private static MixtureStages stages(ConfigReader config, MixtureStages otherwise) {
        return config.has("stages")
                ? new MixtureStages(
                        config.constants("stages", MixtureStages.Phase.ROUTER),
                        config.numberList("stage_shares"),
                        config.flag("residual", false))
                : otherwise;
    }

    @Override
    public Map<String, Object> keys(MixtureSpec spec) {
        var experts = spec.experts();
        var routing = spec.routing();
        var losses = spec.losses();
        var keys = new LinkedHashMap<String, Object>();
        keys.put("expert", experts.kind());
        keys.put("bottlenecks", AdapterConfig.value(experts.bottlenecks()));
        keys.put("num_experts", experts.count());
        keys.put("experts_pattern", experts.pattern());
        keys.put("r", experts.rank());
        keys.put("rank_pattern", experts.rankPattern());
        keys.put("lora_alpha", LoraFormat.number(experts.alpha()));
        keys.put("lora_dropout", experts.dropout());
        keys.put("initialisation", experts.initialisation());
        keys.put("riemannian_epsilon", experts.riemannianEpsilon());
        keys.put("scorer", routing.scorer());
        keys.put("router", routing.form().kind());
        keys.put("router_hidden", routing.form().hidden());
        keys.put("router_temperature", routing.form().temperature());
        keys.put("activation", routing.activation());
        keys.put("choice", routing.choice());
        keys.put("top_k", routing.topK());
        keys.put("threshold", routing.threshold());
        keys.put("gate_per_rank", routing.perRank());
        keys.put("renormalise", routing.renormalise());
        keys.put("expert_dropout", routing.expertDropout());
        keys.put("capacity_factor", routing.capacityFactor());
        keys.put("capacity_in_evaluation", routing.capacityInEvaluation());
        keys.put("bias_step", routing.biasStep());
        keys.put("sole_router", routing.soleRouter());
        keys.put("router_noise", routing.noise().scores());
        keys.put("router_jitter", routing.noise().jitter());
        keys.put("root_gradient", routing.rootGradient());
        keys.put("balance", losses.balance());
        keys.put("auxiliary_coefficient", losses.coefficient());
        keys.put("auxiliary_scale", losses.scale());
        keys.put("auxiliary_scope", losses.scope());
        keys.put("localisation", losses.localisation());
        keys.put("biased_variance", losses.biasedVariance());
        keys.put("z_coefficient", losses.scores());
        keys.put("variance_coefficient", losses.variance());
        keys.put("entropy_coefficient", losses.entropy());
        keys.put("consistency_coefficient", losses.consistency());
        keys.put("overlap_coefficient", losses.overlap());
        if (spec.stages().any()) {
            keys.put("stages", spec.stages().phases());
            keys.put("stage_shares", spec.stages().shares());
            keys.put("residual", spec.stages().residual());
        }
        return keys;
    }
}
