package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.evaluate.TokenScores.Text;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenScoresTest {
    @Test
    void aModelThatWaversAmongEightTokensHasPerplexityEight() {
        var scores = new TokenScores(List.of(new Text(5 * Math.log(8), 1, 5)));
        assertThat(scores.perplexity()).isCloseTo(8, within(1e-12));
        assertThat(scores.accuracy()).isEqualTo(0.2);
        assertThat(scores.values()).containsOnlyKeys(Metric.PERPLEXITY, Metric.TOKEN_ACCURACY);
    }

    @Test
    void tokensWeighTheSameWhateverTextTheyAreIn() {
        var scores = new TokenScores(List.of(new Text(9, 2, 9), new Text(3, 1, 1)));
        assertThat(scores.tokens()).isEqualTo(10);
        assertThat(scores.loss()).isEqualTo(1.2); // the mean of the texts' means would be 2
        assertThat(scores.perplexity()).isCloseTo(Math.exp(1.2), within(1e-12));
        assertThat(scores.accuracy()).isEqualTo(0.3);
    }

    @Test
    void theIntervalNarrowsWithTextsThatAgreeAndWithMoreOfThem() {
        var few = pairs(10).perplexityInterval();
        var many = pairs(1000).perplexityInterval();
        assertThat(pairs(10).perplexity()).isCloseTo(Math.exp(2), within(1e-9)).isBetween(few.low(), few.high());
        assertThat(few.low()).isLessThan(many.low());
        assertThat(many.high()).isLessThan(few.high());

        var alike = new TokenScores(List.of(new Text(4, 0, 2), new Text(20, 0, 10))).perplexityInterval();
        assertThat(alike.low()).isCloseTo(alike.high(), within(1e-9));
    }

    /** Texts of one token, half of them with a loss of 1 and half of 3. */
    private static TokenScores pairs(int count) {
        return new TokenScores(IntStream.range(0, count)
                .mapToObj(i -> new Text(i % 2 == 0 ? 1 : 3, 0, 1))
                .toList());
    }

    @Test
    void withoutTokensAllIsNaN() {
        assertThat(new TokenScores(List.of()).values().values())
                .allSatisfy(value -> assertThat(value).isNaN());
    }
}
