package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * AdaLoRA (Zhang et al., <a href="https://arxiv.org/abs/2303.10512">arXiv 2303.10512</a>): {@code y += s B (E ⊙ A x)} with
 * {@code A [rank, in]}, {@code E [rank, 1]}, {@code B [out, rank]} and {@code s = alpha / (initialRank + 1e-5)}, where a
 * budget of ranks for all modules together falls while it trains and the least important triplets are masked
 * ({@link AdaLoraBudget}). {@code A} and {@code B} are held near orthogonal by a penalty. As PEFT has it, {@code s} stays
 * what it was at first whatever the ranks become, and a module may end with none.
 *
 * @param initialRank of every module
 * @param targetRank that modules have at the end, on average
 * @param dropout on the input of {@code A} in training
 * @param schedule of the budget
 * @param beta1 of the moving average of importance
 * @param beta2 of the moving average of its uncertainty
 * @param orthogonality weight of the penalty: the mean over all {@code A} and {@code B} of the Frobenius norm of
 *     {@code A Aᵀ − I} or {@code Bᵀ B − I}
 * @param totalSteps of the run that trained it; 0 before there was one
 * @param kept which of the initial ranks a saved module still has, by {@code MODULE.lora_E}; modules that are not named
 *     have all
 * @param modulesToSave ends of the paths of modules that train as a whole
 */
public record AdaLoraSpec(
        TargetModules targets,
        int initialRank,
        int targetRank,
        double alpha,
        double dropout,
        CubicBudget schedule,
        double beta1,
        double beta2,
        double orthogonality,
        int totalSteps,
        Map<String, List<Boolean>> kept,
        List<String> modulesToSave)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "adalora";

    private static final String A = "lora_A";
    private static final String B = "lora_B";
    private static final String E = "lora_E";

    public AdaLoraSpec {
        Checks.positive("initial-rank", initialRank);
        Checks.positive("target-rank", targetRank);
        if (targetRank > initialRank) {
            throw new InputException("target-rank " + targetRank + " is more than initial-rank " + initialRank
                    + "; ranks are only taken away.");
        }
        Checks.positive("alpha", alpha);
        Checks.probability("dropout", dropout);
        Checks.probability("beta1", beta1);
        Checks.probability("beta2", beta2);
        Checks.notNegative("orthogonality", orthogonality);
        kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
        modulesToSave = List.copyOf(modulesToSave);
    }

    /** PEFT's defaults on query and value, but for alpha, which is 16 as LoRA's is here. */
    public static AdaLoraSpec defaults() {
        return new AdaLoraSpec(
                TargetModules.DEFAULT,
                12,
                8,
                LoraSpec.ALPHA,
                0,
                new CubicBudget(0, 0, 1),
                .85,
                .85,
                .5,
                0,
                Map.of(),
                List.of());
    }

    public AdaLoraSpec withTargets(TargetModules targets) {
        return new AdaLoraSpec(
                targets,
                initialRank,
                targetRank,
                alpha,
                dropout,
                schedule,
                beta1,
                beta2,
                orthogonality,
                totalSteps,
                kept,
                modulesToSave);
    }

    /** The same with other ranks and another schedule. */
    public AdaLoraSpec withBudget(int initialRank, int targetRank, CubicBudget schedule) {
        return new AdaLoraSpec(
                targets,
                initialRank,
                targetRank,
                alpha,
                dropout,
                schedule,
                beta1,
                beta2,
                orthogonality,
                totalSteps,
                kept,
                modulesToSave);
    }

    @Override
    public AdaLoraSpec withModulesToSave(List<String> modulesToSave) {
        return new AdaLoraSpec(
                targets,
                initialRank,
                targetRank,
                alpha,
                dropout,
                schedule,
                beta1,
                beta2,
                orthogonality,
                totalSteps,
                kept,
                modulesToSave);
    }

    private AdaLoraSpec trained(int totalSteps, Map<String, List<Boolean>> kept) {
        return new AdaLoraSpec(
                targets,
                initialRank,
                targetRank,
                alpha,
                dropout,
                schedule,
                beta1,
                beta2,
                orthogonality,
                totalSteps,
                kept,
                modulesToSave);
    }

    @Override
    public String method() {
        return METHOD;
    }

    /** The rank of the module at {@code path} in a file. */
    public int rank(String path) {
        var ranks = kept.get(path + "." + E);
        return ranks == null ? initialRank : Collections.frequency(ranks, true);
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        int r = rank(linear.name());
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(A, StoredLayout.same(r, in), random -> Initialiser.normal(.02, random, r, in));
        var e = weights.weight(E, StoredLayout.same(r, 1), random -> Initialiser.zeros(r, 1));
        var b = weights.weight(B, StoredLayout.same(out, r), random -> Initialiser.normal(.02, random, out, r));
        var mask = weights.unsaved("lora_mask", () -> torch.ones(new long[] {r}, Engine.options(ScalarType.Float)));
        var triplets = new RankTriplets(a, e, b, mask);
        weights.saveAs(A, rows -> triplets.kept(rows, 0));
        weights.saveAs(E, rows -> triplets.kept(rows, 0));
        weights.saveAs(B, columns -> triplets.kept(columns, 1));
        double s = alpha / (initialRank + 1e-5);
        return new ScaledRanksDelta(linear.name() + ".lora_dropout", triplets, null, s, dropout);
    }

    @Override
    public Optional<BudgetSchedule> budget(Adapter adapter, int steps) {
        schedule.require(steps);
        return Optional.of(new AdaLoraBudget(this, adapter, steps));
    }

    @Override
    public Optional<WeightPenalty> penalty(Adapter adapter) {
        if (orthogonality == 0) {
            return Optional.empty();
        }
        var rows = new ArrayList<Parameter>();
        var columns = new ArrayList<Parameter>();
        RankTriplets.of(adapter).values().forEach(triplets -> {
            rows.add(triplets.a());
            columns.add(triplets.b());
        });
        return Optional.of(new OrthogonalityPenalty(orthogonality, rows, columns));
    }

    /** With what is left of the ranks, as PEFT writes it. */
    @Override
    public AdaLoraSpec saved(Adapter adapter) {
        var left = new LinkedHashMap<String, List<Boolean>>();
        RankTriplets.of(adapter).forEach((path, triplets) -> left.put(path + "." + E, within(path, triplets.kept())));
        boolean whole = left.values().stream().noneMatch(ranks -> ranks.contains(false));
        // PEFT refuses a config without the number of steps.
        int untrained = totalSteps > 0 ? totalSteps : schedule.initialSteps() + schedule.finalSteps() + 1;
        return trained(adapter.trainingSteps().orElse(untrained), whole ? Map.of() : left);
    }

    /** What is kept of the initial ranks, when {@code now} says what is kept of those that were loaded. */
    private List<Boolean> within(String path, List<Boolean> now) {
        var before = kept.get(path + "." + E);
        if (before == null) {
            return now;
        }
        var next = now.iterator();
        return before.stream().map(was -> was && next.next()).toList();
    }
}
