package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Cost;
import dev.espalier.error.InputException;
import dev.espalier.model.Embedding;
import dev.espalier.model.EmbeddingDelta;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Scope;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

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
 * @param dora whether rows keep a trained length of their own: DoRA, see {@link MagnitudeDelta}
 * @param modulesToSave ends of the paths of modules that train as a whole beside the deltas, such as {@code lm_head}
 * @param learningRateRatio the learning rate of linears' {@code B} over that of all else: LoRA+ (Hayou et al.,
 *     <a href="https://arxiv.org/abs/2402.12354">arXiv 2402.12354</a>); files do not hold it
 * @param riemannianEpsilon of the {@link RiemannianPreconditioner} of gradients, 0 for none; files do not hold it
 */
public record LoraSpec(
        TargetModules targets,
        int rank,
        double alpha,
        double dropout,
        boolean rslora,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        Initialisation initialisation,
        boolean dora,
        List<String> modulesToSave,
        double learningRateRatio,
        double riemannianEpsilon)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "lora";

    /** PEFT's default. */
    public static final int RANK = 8;

    /** Twice the default rank, a scaling of 2; PEFT's default is 8. */
    public static final double ALPHA = 16;

    /** PEFT's default. */
    public static final double DROPOUT = 0;

    private static final String A = "lora_A.weight";
    private static final String B = "lora_B.weight";

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
        RANDOM,

        /**
         * PiSSA (Meng et al., <a href="https://arxiv.org/abs/2404.02948">arXiv 2404.02948</a>): of the singular value
         * decomposition {@code W = U S Vᵀ} the first {@code rank} components, {@code A = √(S/s) Vᵀ} and
         * {@code B = U √(S/s)}. What they give at first is taken off again, {@code y += s B A x − s B₀ A₀ x}, so that the
         * delta starts at nothing on the unchanged base; PEFT takes {@code s B₀ A₀} off the base's weight instead, which
         * is the same sum. The folder holds plain LoRA of twice the rank, {@code [B, −B₀]} and {@code [A; A₀]}, for the
         * original base: what PEFT writes with {@code path_initial_model_for_weight_conversion}. For PEFT's unconverted
         * form take the first half of both and subtract {@code s B₀ A₀}, of the second halves, from the weight.
         */
        @JsonProperty("pissa")
        PISSA
    }

    public LoraSpec {
        Checks.positive("rank", rank);
        Checks.positive("alpha", alpha);
        Checks.probability("dropout", dropout);
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        modulesToSave = List.copyOf(modulesToSave);
        Checks.positive("learning-rate-ratio", learningRateRatio);
        Checks.notNegative("riemannian-epsilon", riemannianEpsilon);
        if (dora && initialisation == Initialisation.PISSA) {
            throw new InputException("DoRA with initialisation pissa is not supported; leave out one of them.");
        }
        rankPattern.forEach((key, value) -> Checks.positive("rank-pattern '" + key + "'", value));
        alphaPattern.forEach((key, value) -> Checks.positive("alpha-pattern '" + key + "'", value));
        rankPattern.keySet().forEach(ModuleNames::compile);
        alphaPattern.keySet().forEach(ModuleNames::compile);
    }

    /** Rank 8 and alpha 16 on query and value. */
    public static LoraSpec defaults() {
        return new LoraSpec(
                TargetModules.DEFAULT,
                RANK,
                ALPHA,
                DROPOUT,
                false,
                Map.of(),
                Map.of(),
                Initialisation.DEFAULT,
                false,
                List.of(),
                1,
                0);
    }

    public LoraSpec withTargets(TargetModules targets) {
        return with(copy -> copy.targets = targets);
    }

    public LoraSpec withRank(int rank) {
        return with(copy -> copy.rank = rank);
    }

    public LoraSpec withAlpha(double alpha) {
        return with(copy -> copy.alpha = alpha);
    }

    public LoraSpec withDropout(double dropout) {
        return with(copy -> copy.dropout = dropout);
    }

    public LoraSpec withRslora(boolean rslora) {
        return with(copy -> copy.rslora = rslora);
    }

    public LoraSpec withPatterns(Map<String, Integer> rankPattern, Map<String, Double> alphaPattern) {
        return with(copy -> {
            copy.rankPattern = rankPattern;
            copy.alphaPattern = alphaPattern;
        });
    }

    public LoraSpec withInitialisation(Initialisation initialisation) {
        return with(copy -> copy.initialisation = initialisation);
    }

    public LoraSpec withDora(boolean dora) {
        return with(copy -> copy.dora = dora);
    }

    @Override
    public LoraSpec withModulesToSave(List<String> modulesToSave) {
        return with(copy -> copy.modulesToSave = modulesToSave);
    }

    public LoraSpec withLearningRateRatio(double learningRateRatio) {
        return with(copy -> copy.learningRateRatio = learningRateRatio);
    }

    public LoraSpec withRiemannianEpsilon(double riemannianEpsilon) {
        return with(copy -> copy.riemannianEpsilon = riemannianEpsilon);
    }

    @Override
    public String method() {
        return METHOD;
    }

    /** The rank of the module at {@code path}. */
    public int rank(String path) {
        return ModuleNames.firstMatch(rankPattern, path).orElse(rank);
    }

    /** {@code s} of the module at {@code path}. */
    public double scaling(String path) {
        double r = rank(path);
        return ModuleNames.firstMatch(alphaPattern, path).orElse(alpha) / (rslora ? Math.sqrt(r) : r);
    }

    @Override
    public Cost allocationCost() {
        return Cost.ranks();
    }

    /** With these ranks; modules of rank 0 are no targets. */
    @Override
    public LoraSpec allocated(Allocation allocation) {
        var ranks = new LinkedHashMap<>(allocation.counts());
        ranks.values().removeIf(rank -> rank == 0);
        return withTargets(TargetModules.of(ModuleNames.of(allocation.chosen())))
                .withPatterns(ranks, alphaPattern);
    }

    @Override
    public double learningRateFactor(String key) {
        return key.equals(B) ? learningRateRatio : 1;
    }

    @Override
    public Optional<GradientTransform> gradientTransform(Adapter adapter) {
        return riemannianEpsilon > 0
                ? Optional.of(RiemannianPreconditioner.of(adapter, riemannianEpsilon))
                : Optional.empty();
    }

    /** With the initial components beside the trained ones, as plain LoRA of twice the rank and the same scaling. */
    @Override
    public LoraSpec saved(Adapter adapter) {
        if (initialisation != Initialisation.PISSA) {
            return this;
        }
        double factor = rslora ? Math.sqrt(2) : 2;
        var ranks = new LinkedHashMap<>(rankPattern);
        ranks.replaceAll((key, rank) -> 2 * rank);
        var alphas = new LinkedHashMap<>(alphaPattern);
        alphas.replaceAll((key, alpha) -> factor * alpha);
        return withRank(2 * rank)
                .withAlpha(factor * alpha)
                .withPatterns(ranks, alphas)
                .withInitialisation(Initialisation.DEFAULT);
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        if (initialisation == Initialisation.PISSA) {
            return principal(linear, weights);
        }
        int r = rank(linear.name());
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                A,
                StoredLayout.same(r, in),
                random -> initialisation == Initialisation.GAUSSIAN
                        ? Initialiser.normal(1.0 / r, random, r, in)
                        : Initialiser.kaimingUniform(in, random, r, in));
        var b = weights.weight(
                B,
                StoredLayout.same(out, r),
                random -> initialisation == Initialisation.RANDOM
                        ? Initialiser.kaimingUniform(r, random, out, r)
                        : Initialiser.zeros(out, r));
        var lowRank = new RankGatedDelta(linear.name(), a, b, 1, scaling(linear.name()), dropout, null);
        if (!dora) {
            return lowRank;
        }
        var magnitude = weights.weight(
                "lora_magnitude_vector", StoredLayout.same(out), random -> RowNorms.of(linear.matrix(), lowRank));
        return new MagnitudeDelta(magnitude, lowRank);
    }

    private LinearDelta principal(Linear linear, DeltaWeights weights) {
        int r = rank(linear.name());
        double s = scaling(linear.name());
        try (var scope = Scope.open()) {
            var components = new SingularComponents(linear);
            components.require(r);
            var a = weights.weight(A, StoredLayout.same(r, linear.inFeatures()), random -> components.a(0, r, s));
            var b = weights.weight(B, StoredLayout.same(linear.outFeatures(), r), random -> components.b(0, r, s));
            var trained = new RankGatedDelta(linear.name(), a, b, 1, s, dropout, null);
            return SumDelta.fromNothing(linear.name(), trained, weights, A, B);
        }
    }

    /** {@code A} starts at zero and {@code B} normal, as PEFT starts embeddings. */
    @Override
    public EmbeddingDelta delta(Embedding embedding, DeltaWeights weights) {
        if (dora) {
            throw new InputException("DoRA adapts linears only, but its target modules name the embedding "
                    + embedding.name() + "; leave it out, or switch DoRA off.");
        }
        if (initialisation == Initialisation.PISSA) {
            throw new InputException("PiSSA initialises linears only, but the target modules name the embedding "
                    + embedding.name() + "; leave it out, or choose another initialisation.");
        }
        int r = rank(embedding.name());
        int count = embedding.shape().get(0);
        int features = embedding.shape().get(1);
        boolean zero = initialisation != Initialisation.RANDOM;
        var a = weights.weight(
                "lora_embedding_A",
                StoredLayout.same(r, count),
                random -> zero ? Initialiser.zeros(r, count) : Initialiser.normal(1, random, r, count));
        var b = weights.weight(
                "lora_embedding_B",
                StoredLayout.same(features, r),
                random -> Initialiser.normal(1, random, features, r));
        return new LowRankEmbeddingDelta(a, b, scaling(embedding.name()));
    }

    private LoraSpec with(Consumer<Copy> change) {
        var copy = new Copy();
        change.accept(copy);
        return copy.spec();
    }

    /** The components while some of them change. */
    private final class Copy {
        private TargetModules targets = targets();
        private int rank = rank();
        private double alpha = alpha();
        private double dropout = dropout();
        private boolean rslora = rslora();
        private Map<String, Integer> rankPattern = rankPattern();
        private Map<String, Double> alphaPattern = alphaPattern();
        private Initialisation initialisation = initialisation();
        private boolean dora = dora();
        private List<String> modulesToSave = modulesToSave();
        private double learningRateRatio = learningRateRatio();
        private double riemannianEpsilon = riemannianEpsilon();

        LoraSpec spec() {
            return new LoraSpec(
                    targets,
                    rank,
                    alpha,
                    dropout,
                    rslora,
                    rankPattern,
                    alphaPattern,
                    initialisation,
                    dora,
                    modulesToSave,
                    learningRateRatio,
                    riemannianEpsilon);
        }
    }
}
