package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Low-rank adaptation whose factors have a structure of their own. Its folder holds plain LoRA that computes the same, so
 * that it loads anywhere; what it was trained as stands in the run's recipe.
 *
 * @param rank of one factor; the structure says what of
 * @param alpha the scaling {@code s} is {@code alpha / rank}
 * @param dropout on the input in training
 */
public record StructuredLoraSpec(TargetModules targets, LoraStructure structure, int rank, double alpha, double dropout)
        implements AdapterSpec {
    /** The keys of the factors in files. */
    static final String A = "lora_A.weight";

    static final String B = "lora_B.weight";

    public StructuredLoraSpec {
        Checks.positive("rank", rank);
        Checks.positive("alpha", alpha);
        Checks.probability("dropout", dropout);
    }

    /** LoRA's defaults, on query and value. */
    public static StructuredLoraSpec of(LoraStructure structure) {
        return new StructuredLoraSpec(
                TargetModules.DEFAULT, structure, LoraSpec.RANK, LoraSpec.ALPHA, LoraSpec.DROPOUT);
    }

    public StructuredLoraSpec withTargets(TargetModules targets) {
        return new StructuredLoraSpec(targets, structure, rank, alpha, dropout);
    }

    /** The same with another size. */
    public StructuredLoraSpec withRank(int rank, double alpha) {
        return new StructuredLoraSpec(targets, structure, rank, alpha, dropout);
    }

    public StructuredLoraSpec withDropout(double dropout) {
        return new StructuredLoraSpec(targets, structure, rank, alpha, dropout);
    }

    @Override
    public String method() {
        return structure.method();
    }

    /** {@code s}. */
    public double scaling() {
        return alpha / rank;
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        return structure.delta(this, linear, weights);
    }

    @Override
    public Optional<BudgetSchedule> budget(Adapter adapter, int steps) {
        return structure.budget(this, adapter, steps);
    }

    @Override
    public LoraSpec saved(Adapter adapter) {
        var ranks = new LinkedHashMap<String, Integer>();
        adapter.modules().forEach((path, module) -> module.weights().stream()
                .filter(stored -> stored.key().equals(A))
                .forEach(stored -> ranks.put(path, (int) stored.toFile().size(0))));
        int first = ranks.values().iterator().next();
        var plain = LoraSpec.defaults().withTargets(targets).withDropout(dropout);
        if (ranks.values().stream().allMatch(r -> r == first)) {
            return plain.withRank(first).withAlpha(scaling() * first);
        }
        Map<String, Double> alphas = new LinkedHashMap<>();
        ranks.forEach((path, r) -> alphas.put(path, scaling() * r));
        return plain.withRank(rank).withAlpha(alpha).withPatterns(ranks, alphas);
    }
}
