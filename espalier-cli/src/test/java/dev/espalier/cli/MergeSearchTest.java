package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.cli.recipe.MergeSearchSection;
import dev.espalier.error.InputException;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import java.util.List;
import org.junit.jupiter.api.Test;

class MergeSearchTest {
    private static final MergePlan START = MergePlan.of(MergeMethods.of("task-arithmetic"));

    private static MergeSearch search(boolean weights) {
        return new MergeSearch(new MergeSearchSection(List.of(0.2, 0.5, 0.8), null, weights, 4, 0, List.of()), 2, 0);
    }

    @Test
    void aNumberWinsOverWhatHasNoScore() {
        var search = search(false);
        var best = search.run(
                START,
                plan -> plan.method().lambda() == 0.8
                        ? Double.NaN
                        : plan.method().lambda());
        assertThat(best.method().lambda()).isEqualTo(0.5);
        assertThat(search.table().rows()).extracting(row -> row.get(3)).containsExactly("0.5000", "0.2000", "–");
        assertThat(search.tried().get(2).json()).doesNotContainKey("score");
    }

    @Test
    void theFirstOfEqualsWins() {
        assertThat(search(false).run(START, plan -> 1).method().lambda()).isEqualTo(0.2);
    }

    @Test
    void withoutAnyScoreThereIsNoBest() {
        assertThatThrownBy(() -> search(false).run(START, plan -> Double.NaN))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("None of the 3 merges that were tried has a score");
        assertThatThrownBy(() -> search(true).run(START, plan -> Double.NaN))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("None of the 4 merges that were tried has a score");
    }
}
