package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Several low-rank deltas on one linear. Each adds its product, so the order decides no more than rounding. */
final class SumDelta implements LinearDelta, Mergeable, Routed {
    private final List<RankGatedDelta> parts;

    SumDelta(List<RankGatedDelta> parts) {
        this.parts = List.copyOf(parts);
    }

    /**
     * {@code trained} less what it gives at first, {@code y += s B D A x − s B₀ A₀ x}: a delta that starts at nothing though
     * its weights do not. Files hold both as one product, {@code [B, −B₀]} and {@code [A; A₀]}. The frozen part sees the
     * input without dropout, as a weight would.
     *
     * @param trained one expert without a router, whose weights {@code weights} has made
     * @param a the key of {@code A}
     * @param b the key of {@code B}
     */
    static SumDelta fromNothing(String name, RankGatedDelta trained, DeltaWeights weights, String a, String b) {
        var a0 = weights.unsaved("initial_A", () -> trained.a().value());
        var b0 = weights.unsaved("initial_B", () -> trained.b().value());
        weights.saveAs(a, rows -> torch.cat(new TensorVector(rows, a0.value()), 0));
        weights.saveAs(
                b, columns -> torch.cat(new TensorVector(columns, b0.value().neg()), 1));
        return new SumDelta(List.of(trained, frozen(name, a0, b0, -trained.scaling())));
    }

    private static RankGatedDelta frozen(String name, Parameter a, Parameter b, double scaling) {
        return new RankGatedDelta(name, a, b, 1, scaling, 0, null);
    }

    @Override
    public int experts() {
        return parts.stream().mapToInt(RankGatedDelta::experts).max().orElse(1);
    }

    @Override
    public LinearDelta withGates(float[] gates) {
        return new SumDelta(parts.stream()
                .map(part -> (RankGatedDelta) part.withGates(gates))
                .toList());
    }

    @Override
    public Optional<WeightDelta.LowRank> factors() {
        var found = parts.stream().map(RankGatedDelta::factors).toList();
        return found.stream().allMatch(Optional::isPresent)
                ? Optional.of(WeightDelta.LowRank.sum(
                        found.stream().map(Optional::orElseThrow).toList()))
                : Optional.empty();
    }

    List<RankGatedDelta> parts() {
        return parts;
    }

    @Override
    public boolean tokenwise() {
        return parts.stream().allMatch(LinearDelta::tokenwise);
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        // The last one first, as on a tape: parts may share a router, which waits for the first of them.
        var backwards = new ArrayDeque<Backward>();
        for (var part : parts) {
            var backward = part.forward(linear, x, y, context);
            if (backward != null) {
                backwards.push(backward);
            }
        }
        if (backwards.isEmpty()) {
            return null;
        }
        return dY -> {
            backwards.forEach(backward -> backward.run(dY));
            return dY;
        };
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        var sum = rows;
        for (var part : parts) {
            sum = part.merged(sum, first);
        }
        return sum;
    }
}
