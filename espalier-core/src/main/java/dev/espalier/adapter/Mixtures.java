package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Balance;
import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.adapter.MixtureStages.Phase;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.routing.Activation;
import dev.espalier.routing.LoadBalanceLoss;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The mixtures of adapters in the literature, each a composition of the same parts. To add one, add a line to
 * {@link #ALL} and a test of it.
 *
 * <p>Not all are known from their authors' code. Of {@code hilo}, {@code mosld}, {@code mode}, {@code smora},
 * {@code modula} and {@code tt-lora-moe} only the abstract was read, of {@code sira} and {@code flix} a summary: these are
 * reconstructions, and sizes, coefficients and formulas that an abstract leaves open are ours. {@link Method#source} tells
 * them from the others.
 */
public final class Mixtures {
    /** The name of SiRA in recipes. */
    public static final String SIRA = "sira";

    /** The name of LoRA-SMoE in recipes. */
    public static final String LORA_SMOE = "lora-smoe";

    /** The linears of the feed-forward blocks of all supported families. */
    private static final String FEED_FORWARD = ".*\\.(mlp\\.\\w+|intermediate\\.dense|\\d+\\.output\\.dense)";

    /** What every method with low-rank experts lets one choose. */
    private static final Set<String> LOW_RANK = Set.of(
            "experts",
            "experts-pattern",
            "rank",
            "rank-pattern",
            "alpha",
            "dropout",
            "riemannian-epsilon",
            "consistency-coefficient");

    /** What every method with a router that is trained lets one choose. */
    private static final Set<String> ROUTED = Set.of(
            "router",
            "router-hidden",
            "router-temperature",
            "router-noise",
            "router-jitter",
            "z-coefficient",
            "variance-coefficient",
            "entropy-coefficient",
            "scorer");

    /** What every method that routes to low-rank experts lets one choose for their training. */
    private static final Set<String> TRAINED = Set.of("overlap-coefficient", "root-gradient");

    /** What every method lets one choose that trains experts and router one after the other. */
    private static final Set<String> STAGED = Set.of(
            "stage-shares",
            "rank",
            "rank-pattern",
            "alpha",
            "dropout",
            "consistency-coefficient",
            "scorer",
            "top-k",
            "renormalise",
            "router-noise",
            "router-jitter",
            "z-coefficient");

    /** What every method with a load-balance loss lets one choose. */
    private static final Set<String> BALANCED = Set.of("auxiliary-coefficient", "auxiliary-scale", "auxiliary-scope");

    /** Whose formulas a method follows. */
    public enum Source {
        /** They were checked against the authors' code. */
        CODE,

        /** Only an abstract or a summary was read, as {@link Mixtures} says of which: what it leaves open is ours. */
        PAPER
    }

    /**
     * A method.
     *
     * @param summary what it is, in a few words
     * @param defaults the setting its authors report, where it is known
     * @param options the keys that a recipe may change
     */
    public record Method(String name, String summary, Source source, MixtureSpec defaults, Set<String> options) {}

    /** By name, those of this project's papers first. */
    private static final Map<String, Method> ALL = byName(
            method(
                    SIRA,
                    "sparse mixture of low-rank experts",
                    Source.PAPER,
                    keys(
                            "top-k expert-dropout capacity-factor capacity-in-evaluation renormalise",
                            LOW_RANK,
                            ROUTED,
                            TRAINED,
                            BALANCED),
                    // The paper's setting; its alpha is not known: E · rank makes s the number of experts, so that an
                    // expert with an even share acts at scale 1. Capacity: a quarter more than an even load needs.
                    m -> m.experts(16)
                            .rank(4)
                            .alpha(64)
                            .choice(Choice.TOP_K)
                            .topK(4)
                            .expertDropout(0.5)
                            .capacityFactor(Optional.of(1.25))
                            .auxiliaryCoefficient(1e-2)
                            .auxiliaryScale(LoadBalanceLoss.Scale.MEAN)),
            method(
                    LORA_SMOE,
                    "one A and as many B as a matrix is worth, by gradient sensitivity",
                    Source.CODE,
                    keys("", LOW_RANK, ROUTED, TRAINED),
                    m -> m.kind(Kind.SHARED_A)
                            .allocated(true)
                            .targets(TargetModules.allLinear())
                            .rank(32)
                            .alpha(64)
                            .soleRouter(false)),
            method(
                    "molora",
                    "dense mixture of LoRA experts",
                    Source.CODE,
                    keys("initialisation", LOW_RANK, ROUTED, TRAINED),
                    m -> m.experts(10).initialisation(Initialisation.NORMAL)),
            method(
                    "mov",
                    "dense mixture of scaling vectors",
                    Source.CODE,
                    keys("experts experts-pattern", ROUTED),
                    m -> m.kind(Kind.SCALE)
                            .experts(30)
                            .targets(
                                    TargetModules.matching(
                                            ".*\\.(key|value|k_proj|v_proj|qkv_proj|c_attn|up_proj|gate_up_proj|c_fc|intermediate\\.dense)"))),
            method(
                    "loramoe",
                    "dense mixture in the feed-forward blocks, its halves kept for two types of tasks",
                    Source.CODE,
                    // The weights of the constraint are ours.
                    keys("localisation biased-variance auxiliary-coefficient", LOW_RANK, ROUTED, TRAINED),
                    m -> m.experts(8)
                            .alpha(32)
                            .targets(TargetModules.matching(FEED_FORWARD))
                            .balance(Balance.LOCALISED)
                            .localisation(0.1)
                            .auxiliaryCoefficient(1e-2)),
            method(
                    "mola",
                    "top-k of LoRA experts, more of them in higher layers",
                    Source.CODE,
                    keys("top-k renormalise experts-by-depth", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    Mixtures::mola),
            method(
                    "hilo",
                    "MoLA with ranks by depth too",
                    Source.PAPER,
                    keys("top-k renormalise experts-by-depth ranks-by-depth", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    m -> {
                        mola(m);
                        m.ranksByDepth(List.of(2, 4, 6, 8));
                    }),
            method(
                    "adamole",
                    "experts above a learned threshold",
                    Source.CODE,
                    keys("threshold", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    m -> m.rank(8)
                            .choice(Choice.LEARNED_THRESHOLD)
                            .renormalise(true)
                            .auxiliaryCoefficient(1e-2)
                            .auxiliaryScale(LoadBalanceLoss.Scale.BY_TOKEN)
                            .auxiliaryScope(LoadBalanceLoss.Scope.BATCH)),
            method(
                    "hydralora",
                    "one A, several B, softmax gates",
                    Source.CODE,
                    keys("", LOW_RANK, ROUTED, TRAINED),
                    m -> m.kind(Kind.SHARED_A).alpha(32)),
            method(
                    "mosld",
                    "one A, top-k of several B, dropout on A's input",
                    Source.PAPER,
                    keys("top-k renormalise", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    m -> m.kind(Kind.SHARED_A)
                            .choice(Choice.TOP_K)
                            .topK(2)
                            .renormalise(true)
                            .dropout(0.1)),
            method(
                    "mode",
                    "one A, a softmax over several B for every rank",
                    Source.PAPER,
                    keys("", LOW_RANK, ROUTED, TRAINED),
                    m -> m.kind(Kind.SHARED_A).perRank(true)),
            method(
                    "smora",
                    "every rank an expert, evened by a bias on the choice",
                    Source.PAPER,
                    keys("top-k renormalise bias-step activation", LOW_RANK, ROUTED, TRAINED),
                    m -> m.experts(64)
                            .rank(1)
                            .alpha(8)
                            .choice(Choice.TOP_K)
                            .topK(8)
                            .renormalise(true)
                            .biasStep(1e-2)),
            method(
                    "goat",
                    "top-k of experts that start from segments of the frozen weight's singular values",
                    Source.CODE,
                    // rank is an expert's, not all experts' together as in the authors' configs.
                    keys("top-k renormalise", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    m -> m.experts(8)
                            .initialisation(Initialisation.SVD_SEGMENTS)
                            .choice(Choice.TOP_K)
                            .topK(2)
                            .renormalise(true)
                            .auxiliaryCoefficient(1e-3)),
            method(
                    "riemannian-mole",
                    "top-k of LoRA experts, whose steps go by the product of their factors",
                    Source.CODE,
                    // Sizes are MoLA's; depth is left out.
                    keys("top-k renormalise experts-by-depth", LOW_RANK, ROUTED, TRAINED, BALANCED),
                    m -> {
                        mola(m);
                        m.expertsByDepth(List.of()).riemannianEpsilon(1e-6).rootGradient(true);
                    }),
            method(
                    "moa",
                    "experts of two kinds, one for each module, weighed by one router a layer",
                    Source.CODE,
                    keys(
                            "rank rank-pattern alpha dropout riemannian-epsilon threshold router-noise router-jitter z-coefficient"),
                    m -> m.targets(TargetModules.allLinear())
                            .experts(1)
                            .rank(8)
                            .bottlenecks(ModuleNames.matching(FEED_FORWARD))
                            .scorer(Scorer.MODULES)
                            .activation(Activation.SIGMOID)
                            .choice(Choice.THRESHOLD)),
            method(
                    "flix",
                    "an expert for each task",
                    Source.PAPER,
                    keys("rank rank-pattern alpha dropout expert-dropout riemannian-epsilon"),
                    m -> m.scorer(Scorer.TASK)),
            method(
                    "adamix",
                    "experts drawn at random, two passes that are to agree, averaged in the end",
                    Source.CODE,
                    keys("", LOW_RANK),
                    m -> m.scorer(Scorer.RANDOM).consistencyCoefficient(1)),
            method(
                    "modula",
                    "an expert for all tasks, then one for each, then a router among them",
                    Source.PAPER,
                    // Shares and sizes are ours, as is the choice of one expert for each token.
                    keys("residual", STAGED),
                    m -> staged(m)
                            .stages(new MixtureStages(
                                    List.of(Phase.UNIVERSAL, Phase.EXPERTS, Phase.ROUTER),
                                    List.of(.3, .4, .3),
                                    false))),
            method(
                    "tt-lora-moe",
                    "an expert for each task, then a router among them, with LoRA experts",
                    Source.PAPER,
                    // The paper's experts are tensor trains; shares and sizes are ours.
                    keys("", STAGED),
                    m -> staged(m)
                            .stages(new MixtureStages(List.of(Phase.EXPERTS, Phase.ROUTER), List.of(.7, .3), false))),
            method(
                    "mlae",
                    "rank-1 experts with trained weights, dropped in training",
                    Source.CODE,
                    keys("expert-dropout overlap-coefficient", LOW_RANK),
                    m -> m.experts(16).rank(1).alpha(1).scorer(Scorer.STATIC).expertDropout(0.5)));

    private Mixtures() {}

    private static void mola(MixtureBuilder m) {
        m.targets(TargetModules.allLinear())
                .experts(8)
                .expertsByDepth(List.of(2, 4, 6, 8))
                .rank(8)
                .choice(Choice.TOP_K)
                .topK(2)
                .renormalise(true);
    }

    private static MixtureBuilder staged(MixtureBuilder m) {
        return m.rank(8).choice(Choice.TOP_K);
    }

    private static Method method(
            String name, String summary, Source source, Set<String> options, Consumer<MixtureBuilder> setting) {
        var builder = new MixtureBuilder(PlainMixture.SPEC).method(name);
        setting.accept(builder);
        return new Method(name, summary, source, builder.build(), options);
    }

    @SafeVarargs
    private static Set<String> keys(String own, Set<String>... shared) {
        return Stream.concat(
                        Stream.of(own.split(" ")).filter(key -> !key.isEmpty()),
                        Stream.of(shared).flatMap(Set::stream))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static Map<String, Method> byName(Method... methods) {
        var byName = new LinkedHashMap<String, Method>();
        for (var method : methods) {
            byName.put(method.name(), method);
        }
        return Collections.unmodifiableMap(byName);
    }

    /** All methods by their names in recipes. */
    public static Map<String, Method> all() {
        return ALL;
    }

    /**
     * The setting of a method as its authors report it, where that is known; see {@link Method#source}.
     *
     * @throws InputException if there is no method of that name; it says which is nearest
     */
    public static MixtureSpec of(String name) {
        var method = ALL.get(name);
        if (method == null) {
            throw new InputException("There is no mixture '" + name + "'; did you mean '"
                    + Nearest.to(name, ALL.keySet(), 1).get(0) + "'?");
        }
        return method.defaults();
    }

    /** SiRA on query and value; the setting is the paper's, of which a summary was read, and what that leaves open ours. */
    public static MixtureSpec sira() {
        return of(SIRA);
    }
}
