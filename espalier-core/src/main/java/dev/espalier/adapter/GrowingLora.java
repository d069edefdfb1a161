package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;

/**
 * IncreLoRA (Zhang et al., <a href="https://arxiv.org/abs/2308.12043">arXiv 2308.12043</a>): every module starts with one
 * rank, {@code y += s B (E ⊙ A x)} with {@code E} of 0, and every so many steps the most important modules get one more,
 * until modules have the spec's rank on average; see {@link GrowingBudget}. Each has a rank in reserve, whose factor is
 * held at 1e-5, so that its row and column are trained in advance. A reconstruction from the abstract: the authors' code
 * was not read, and their regulariser and the warm-up of new ranks are left out.
 *
 * @param maximumRank of a module
 * @param interval steps from one growth to the next
 * @param atOnce modules that grow at a time
 */
public record GrowingLora(int maximumRank, int interval, int atOnce) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "increlora";

    /** The factor of the rank in reserve. */
    static final double RESERVE = 1e-5;

    public GrowingLora {
        Checks.positive("maximum-rank", maximumRank);
        Checks.positive("interval", interval);
        Checks.positive("modules-at-once", atOnce);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        int r = maximumRank;
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                StructuredLoraSpec.A, StoredLayout.same(r, in), random -> Initialiser.normal(.02, random, r, in));
        var b = weights.weight(
                StructuredLoraSpec.B, StoredLayout.same(out, r), random -> Initialiser.normal(.02, random, out, r));
        var factors = weights.unsavedTrained("lora_E", () -> {
            var values = Initialiser.zeros(r);
            if (r > 1) {
                values.narrow(0, 1, 1).fill_(new Scalar(RESERVE));
            }
            return values;
        });
        var active = weights.unsaved("lora_active", () -> {
            var values = Initialiser.zeros(r);
            values.narrow(0, 0, 1).fill_(new Scalar(1.0));
            return values;
        });
        var ranks = new RankTriplets(a, factors, b, active);
        weights.saveAs(StructuredLoraSpec.A, rows -> ranks.kept(rows, 0));
        weights.saveAs(StructuredLoraSpec.B, columns -> ranks.kept(columns.mul(factors.value()), 1));
        return new ScaledRanksDelta(linear.name() + ".lora_dropout", ranks, null, spec.scaling(), spec.dropout());
    }

    @Override
    public Optional<BudgetSchedule> budget(StructuredLoraSpec spec, Adapter adapter, int steps) {
        return Optional.of(new GrowingBudget(this, adapter, spec.rank()));
    }
}
