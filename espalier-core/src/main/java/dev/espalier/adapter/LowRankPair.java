package dev.espalier.adapter;

import dev.espalier.model.Delta;
import dev.espalier.tensor.Parameter;
import java.util.List;

/**
 * The two factors of a module's experts.
 *
 * @param a {@code [experts * rank, in]}, or {@code [rank, in]} for all experts
 * @param b {@code [out, experts * rank]}
 */
record LowRankPair(Parameter a, Parameter b, int experts) {
    /** Those that a delta is made of; none where it has no low-rank part. */
    static List<LowRankPair> of(Delta delta) {
        if (delta instanceof RankGatedDelta lowRank) {
            return List.of(new LowRankPair(lowRank.a(), lowRank.b(), lowRank.experts()));
        }
        if (delta instanceof ExpertSoupDelta soup) {
            return List.of(new LowRankPair(soup.a(), soup.b(), soup.experts()));
        }
        if (delta instanceof MagnitudeDelta magnitude) {
            return of(magnitude.direction());
        }
        if (delta instanceof SumDelta sum) {
            return sum.parts().stream().flatMap(part -> of(part).stream()).toList();
        }
        if (delta instanceof StagedDelta staged) {
            return staged.parts().stream()
                    .flatMap(part -> of(part).stream())
                    .distinct()
                    .toList();
        }
        if (delta instanceof LowRankEmbeddingDelta embedding) {
            return List.of(new LowRankPair(embedding.a(), embedding.b(), 1));
        }
        return List.of();
    }

    /** Whether all experts have the same {@code A}. */
    boolean sharedA() {
        return a.shape()[0] != b.shape()[1];
    }
}
