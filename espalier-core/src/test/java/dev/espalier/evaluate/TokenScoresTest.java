package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TokenScoresTest {
    @Test
    void aModelThatWaversAmongEightTokensHasPerplexityEight() {
        var scores = new TokenScores(5 * Math.log(8), 1, 5);
        assertThat(scores.perplexity()).isCloseTo(8, within(1e-12));
        assertThat(scores.accuracy()).isEqualTo(0.2);
        assertThat(scores.values()).containsOnlyKeys(Metric.PERPLEXITY, Metric.TOKEN_ACCURACY);
    }

    @Test
    void tokensWeighTheSameWhateverBatchTheyWereIn() {
        var scores = TokenScores.NONE.plus(new TokenScores(9, 2, 9)).plus(new TokenScores(3, 1, 1));
        assertThat(scores.tokens()).isEqualTo(10);
        assertThat(scores.loss()).isEqualTo(1.2); // the mean of the batches' means would be 2
        assertThat(scores.perplexity()).isCloseTo(Math.exp(1.2), within(1e-12));
        assertThat(scores.accuracy()).isEqualTo(0.3);
    }

    @Test
    void withoutTokensAllIsNaN() {
        assertThat(TokenScores.NONE.values().values())
                .allSatisfy(value -> assertThat(value).isNaN());
    }
}
