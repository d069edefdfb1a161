package dev.espalier.adapter;

import dev.espalier.importance.SelectionScore;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/** The units that a new sparse adapter keeps until it has seen data: those that need none to be chosen, else random ones. */
final class FirstIndices {
    private FirstIndices() {}

    /** The places of {@code count} units of {@code linear} in ascending order, int32, of the caller's scope. */
    static Tensor of(SparseSpec spec, Linear linear, int count, RandomStream random) {
        var score = spec.score().needsGradient() || spec.score().needsTraining() ? SelectionScore.RANDOM : spec.score();
        try (var scope = Scope.open()) {
            var nothing = Initialiser.zeros(linear.outFeatures(), linear.inFeatures());
            var entries = new SelectionScore.Entries(linear.matrix(), nothing, Optional.empty(), random);
            var units = TopUnits.perUnit(score.of(entries), spec.block());
            return scope.keep(TopUnits.largest(units, count));
        }
    }
}
