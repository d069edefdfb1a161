package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * LoRA (Hu et al., <a href="https://arxiv.org/abs/2106.09685">arXiv 2106.09685</a>): {@code y += s B A x} with
 * {@code A [rank, in]}, {@code B [out, rank]} and {@code s = alpha / rank}, or {@code alpha / √rank} as in rsLoRA
 * (Kalajdzievski, <a href="https://arxiv.org/abs/2312.03732">arXiv 2312.03732</a>).
 *
 * <p>A key {@code K} of a pattern applies to the modules that the expression {@code (.*\.)?(K)} matches; the first one
 * that does decides.
 *
 * @param dropout on the input of {@code A} in training
 * @param rankPattern ranks of single modules, in the order they are tried
 * @param alphaPattern alphas of single modules, in the order they are tried
 */
public record LoraSpec(
        TargetModules targets,
        int rank,
        double alpha,
        double dropout,
        boolean rslora,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        Initialisation initialisation)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "lora";

    /** PEFT's default. */
    public static final int RANK = 8;

    /** Twice the default rank, a scaling of 2; PEFT's default is 8. */
    public static final double ALPHA = 16;

    /** PEFT's default. */
    public static final double DROPOUT = 0;

    /** How {@code A} and {@code B} start. */
    public enum Initialisation {
        /** {@code A} Kaiming-uniform with {@code a = √5}, {@code B} zero: the delta starts at nothing. */
        @JsonProperty("default")
        DEFAULT,

        /** {@code A} normal with standard deviation {@code 1 / rank}, {@code B} zero. */
        @JsonProperty("gaussian")
        GAUSSIAN,

        /** Both Kaiming-uniform with {@code a = √5}: the delta starts at noise. */
        @JsonProperty("random")
        RANDOM
    }

    public LoraSpec {
        Checks.positive("rank", rank);
        Checks.positive("alpha", alpha);
        Checks.probability("dropout", dropout);
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        rankPattern.forEach((key, value) -> Checks.positive("rank-pattern '" + key + "'", value));
        alphaPattern.forEach((key, value) -> Checks.positive("alpha-pattern '" + key + "'", value));
        rankPattern.keySet().forEach(ModuleNames::compile);
        alphaPattern.keySet().forEach(ModuleNames::compile);
    }

    /** Rank 8 and alpha 16 on query and value. */
    public static LoraSpec defaults() {
        return new LoraSpec(
                TargetModules.DEFAULT, RANK, ALPHA, DROPOUT, false, Map.of(), Map.of(), Initialisation.DEFAULT);
    }

    public LoraSpec withTargets(TargetModules targets) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withRank(int rank) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withAlpha(double alpha) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withDropout(double dropout) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withRslora(boolean rslora) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withPatterns(Map<String, Integer> rankPattern, Map<String, Double> alphaPattern) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    public LoraSpec withInitialisation(Initialisation initialisation) {
        return new LoraSpec(targets, rank, alpha, dropout, rslora, rankPattern, alphaPattern, initialisation);
    }

    @Override
    public String method() {
        return METHOD;
    }

    /** The rank of the module at {@code path}. */
    public int rank(String path) {
        return matching(rankPattern, path).orElse(rank);
    }

    /** {@code s} of the module at {@code path}. */
    public double scaling(String path) {
        double r = rank(path);
        return matching(alphaPattern, path).orElse(alpha) / (rslora ? Math.sqrt(r) : r);
    }

    private static <T> Optional<T> matching(Map<String, T> pattern, String path) {
        return pattern.entrySet().stream()
                .filter(entry -> ModuleNames.compile("(.*\\.)?(" + entry.getKey() + ")")
                        .matcher(path)
                        .matches())
                .map(Map.Entry::getValue)
                .findFirst();
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        int r = rank(linear.name());
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                "lora_A.weight",
                StoredLayout.same(r, in),
                random -> initialisation == Initialisation.GAUSSIAN
                        ? Initialiser.normal(1.0 / r, random, r, in)
                        : Initialiser.kaimingUniform(in, random, r, in));
        var b = weights.weight(
                "lora_B.weight",
                StoredLayout.same(out, r),
                random -> initialisation == Initialisation.RANDOM
                        ? Initialiser.kaimingUniform(r, random, out, r)
                        : Initialiser.zeros(out, r));
        return new RankGatedDelta(linear.name(), a, b, 1, scaling(linear.name()), dropout, null);
    }
}
