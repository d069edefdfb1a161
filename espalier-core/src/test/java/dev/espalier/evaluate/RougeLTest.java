package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RougeLTest {
    @Test
    void casesWorkedOutByHand() {
        // "the cat ... the mat" is common: 5 of 6 words either way.
        var cat = RougeL.of("The cat sat on the mat.", "the cat lay on the mat");
        assertThat(cat.precision()).isEqualTo(5 / 6.0);
        assertThat(cat.recall()).isEqualTo(5 / 6.0);
        assertThat(cat.f1()).isCloseTo(5 / 6.0, within(1e-12));
        // Lin (2004), section 3.1: order counts, so "the gunman" with "police" or "kill" is all there is.
        assertThat(RougeL.of("police killed the gunman", "police kill the gunman")
                        .f1())
                .isCloseTo(0.75, within(1e-12));
        assertThat(RougeL.of("police killed the gunman", "the gunman kill police")
                        .f1())
                .isCloseTo(0.5, within(1e-12));
        var shorter = RougeL.of("a b c d", "b d x");
        assertThat(shorter.precision()).isEqualTo(2 / 3.0);
        assertThat(shorter.recall()).isEqualTo(0.5);
        assertThat(shorter.f1()).isCloseTo(4 / 7.0, within(1e-12));
    }

    @Test
    void wordsAreLettersAndDigitsInLowerCase() {
        assertThat(RougeL.of("It's 3.5 km!", "it s 3 5 KM").f1()).isEqualTo(1);
        assertThat(RougeL.of("naïve", "na ve").f1()).isEqualTo(1); // as the Python package has it
        assertThat(RougeL.of("running", "run").f1()).isZero(); // no stemming
    }

    @Test
    void withoutWordsItIsNought() {
        assertThat(RougeL.of("", "").f1()).isZero();
        assertThat(RougeL.of("a", " ... ").f1()).isZero();
        assertThat(RougeL.of("日本語", "日本語").f1()).isZero();
    }

    @Test
    void theSubsequenceIsThatOfAPlainRecursion() {
        var random = new Random(3);
        for (int round = 0; round < 300; round++) {
            var reference = letters(random);
            var answer = letters(random);
            double common = common(reference, answer);
            var rouge = RougeL.of(reference, answer);
            assertThat(rouge.precision() * words(answer))
                    .as("%s / %s", reference, answer)
                    .isCloseTo(common, within(1e-9));
            assertThat(rouge.recall() * words(reference))
                    .as("%s / %s", reference, answer)
                    .isCloseTo(common, within(1e-9));
        }
    }

    /** Up to eight words of three letters that differ. */
    private static String letters(Random random) {
        var text = new StringBuilder();
        for (int i = 1 + random.nextInt(8); i > 0; i--) {
            text.append((char) ('a' + random.nextInt(3))).append(' ');
        }
        return text.toString();
    }

    private static int words(String text) {
        return text.length() / 2;
    }

    private static int common(String a, String b) {
        if (a.isEmpty() || b.isEmpty()) {
            return 0;
        }
        var restOfA = a.substring(2);
        var restOfB = b.substring(2);
        return a.charAt(0) == b.charAt(0)
                ? 1 + common(restOfA, restOfB)
                : Math.max(common(a, restOfB), common(restOfA, b));
    }
}
