package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The DoRA that distributes ranks (Mao et al., <a href="https://arxiv.org/abs/2405.17357">arXiv 2405.17357</a>), not the one
 * of {@link MagnitudeDelta}: every module starts with {@code excess} times the rank, and the components of rank 1 that
 * make up the smallest share of their module's {@code ‖ΔW‖_F} are switched off until {@code rank} is left on average; see
 * {@link DynamicRankBudget}. A reconstruction from the abstract: the authors' code was not read, and their regulariser of
 * the components' variance is left out.
 *
 * @param excess of the rank at first, at least 1
 */
public record DynamicRankLora(double excess) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "dynamic-rank-dora";

    public DynamicRankLora {
        if (!(excess >= 1 && excess < 100)) {
            throw new InputException("excess must be at least 1 and below 100, not " + excess + ".");
        }
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        int r = (int) Math.ceil(excess * spec.rank());
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                StructuredLoraSpec.A,
                StoredLayout.same(r, in),
                random -> Initialiser.kaimingUniform(in, random, r, in));
        var b = weights.weight(StructuredLoraSpec.B, StoredLayout.same(out, r), random -> Initialiser.zeros(out, r));
        var on = weights.unsaved("lora_c", () -> torch.ones(new long[] {r}, Engine.options(ScalarType.Float)));
        var ranks = new RankTriplets(a, on, b, on);
        weights.saveAs(StructuredLoraSpec.A, ranks::someRows);
        weights.saveAs(StructuredLoraSpec.B, columns -> ranks.someColumns(columns.mul(on.value())));
        return new ScaledRanksDelta(linear.name() + ".lora_dropout", ranks, null, spec.scaling(), spec.dropout());
    }

    @Override
    public Optional<BudgetSchedule> budget(StructuredLoraSpec spec, Adapter adapter, int steps) {
        return Optional.of(new DynamicRankBudget(adapter, spec.rank(), steps));
    }
}
