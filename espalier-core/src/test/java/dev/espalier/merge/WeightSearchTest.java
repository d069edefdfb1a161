package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class WeightSearchTest {
    private static final List<Double> BEST = List.of(.8, -.4, 1.2);

    /** Highest at {@link #BEST}. */
    private static double score(List<Double> weights) {
        double score = 0;
        for (int i = 0; i < BEST.size(); i++) {
            score -= Math.pow(weights.get(i) - BEST.get(i), 2);
        }
        return score;
    }

    @Test
    void findsTheBestWeightsWithoutGradients() {
        var search = new WeightSearch(400, 0, 1);
        var tried = search.run(3, WeightSearchTest::score);
        assertThat(tried).hasSizeLessThanOrEqualTo(400);
        var best = search.best(tried);
        assertThat(best.score()).isGreaterThan(-1e-3);
        assertThat(tried).allSatisfy(each -> assertThat(each.weights())
                .allSatisfy(weight -> assertThat(Math.abs(weight)).isLessThanOrEqualTo(WeightSearch.LIMIT)));
    }

    @Test
    void aFewEvaluationsAreBetterThanNone() {
        var tried = WeightSearch.DEFAULT.run(3, WeightSearchTest::score);
        assertThat(tried).hasSize(WeightSearch.DEFAULT.evaluations());
        assertThat(WeightSearch.DEFAULT.best(tried).score()).isGreaterThan(score(List.of(0., 0., 0.)));
    }

    @Test
    void theSameSeedTriesTheSame() {
        var first = new WeightSearch(30, .05, 7).run(3, WeightSearchTest::score);
        assertThat(new WeightSearch(30, .05, 7).run(3, WeightSearchTest::score)).isEqualTo(first);
        assertThat(new WeightSearch(30, .05, 8).run(3, WeightSearchTest::score)).isNotEqualTo(first);
    }

    @Test
    void thePenaltyPrefersSmallWeightsAmongEquals() {
        var search = new WeightSearch(10, .05, 1);
        var small = new WeightSearch.Tried(List.of(.1, .1), 1);
        var large = new WeightSearch.Tried(List.of(1., -1.), 1.01);
        assertThat(search.best(List.of(large, small))).isEqualTo(small);
    }

    @Test
    void whatHasNoScoreIsNotTheBest() {
        var search = new WeightSearch(60, .05, 1);
        var tried = search.run(3, weights -> weights.get(0) > 0.1 ? Double.NaN : score(weights));
        assertThat(tried).extracting(WeightSearch.Tried::score).contains(Double.NaN);
        assertThat(search.best(tried).score()).isGreaterThan(score(List.of(0., 0., 0.)));
        var none = new WeightSearch.Tried(List.of(0., 0., 0.), Double.NaN);
        assertThat(search.best(List.of(none, none))).isEqualTo(none);
    }

    @Test
    void oneEvaluationIsNoSearch() {
        assertThatThrownBy(() -> new WeightSearch(1, 0, 0))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("at least 2 evaluations, not 1");
    }
}
