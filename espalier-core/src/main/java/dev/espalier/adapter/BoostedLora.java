package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * XGBLoRA, gradient boosting with LoRA of rank 1 (Zhang et al., <a href="https://arxiv.org/abs/2410.19694">arXiv
 * 2410.19694</a>): a run has {@code rounds} of equal length; in each a new pair of factors is trained while those of the
 * rounds before act frozen, and the optimizer begins anew. In the end the sum has rank {@code rounds * rank}. A
 * reconstruction from the abstract: the authors' code was not read, and their random choice of layers is left out.
 *
 * @param rounds at least 2
 */
public record BoostedLora(int rounds) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "xgblora";

    public BoostedLora {
        if (rounds < 2) {
            throw new InputException("rounds must be at least 2, not " + rounds + "; one round is plain LoRA.");
        }
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        int rank = spec.rank();
        int rest = (rounds - 1) * rank;
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                StructuredLoraSpec.A,
                StoredLayout.same(rank, in),
                random -> Initialiser.kaimingUniform(in, random, rank, in));
        var b = weights.weight(
                StructuredLoraSpec.B, StoredLayout.same(out, rank), random -> Initialiser.zeros(out, rank));
        // Until a round is over its place holds the next round's first A; it does nothing, for its B is zero.
        var doneA = weights.unsaved("done_A", random -> Initialiser.kaimingUniform(in, random, rest, in));
        var doneB = weights.unsaved("done_B", random -> Initialiser.zeros(out, rest));
        weights.saveAs(StructuredLoraSpec.A, rows -> torch.cat(new TensorVector(doneA.value(), rows), 0));
        weights.saveAs(StructuredLoraSpec.B, columns -> torch.cat(new TensorVector(doneB.value(), columns), 1));
        return new SumDelta(List.of(
                new RankGatedDelta(linear.name(), doneA, doneB, 1, spec.scaling(), spec.dropout(), null),
                new RankGatedDelta(linear.name(), a, b, 1, spec.scaling(), spec.dropout(), null)));
    }

    @Override
    public Optional<BudgetSchedule> budget(StructuredLoraSpec spec, Adapter adapter, int steps) {
        if (steps < rounds) {
            throw new InputException("A run of " + steps + " steps has no room for " + rounds
                    + " rounds; lower rounds, or train for longer.");
        }
        return Optional.of(new BoostingSchedule(adapter, rounds, steps));
    }
}
