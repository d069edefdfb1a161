package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BalanceTest {
    private static int largest(int[] sizes, int[][] parts) {
        return Arrays.stream(parts)
                .mapToInt(part -> Arrays.stream(part).map(item -> sizes[item]).sum())
                .max()
                .orElseThrow();
    }

    /** The smallest that the larger of two parts can be, by trying all of them. */
    private static int smallestLargest(int[] sizes) {
        int all = Arrays.stream(sizes).sum();
        return IntStream.range(0, 1 << sizes.length)
                .map(set -> IntStream.range(0, sizes.length)
                        .filter(item -> (set >> item & 1) == 1)
                        .map(item -> sizes[item])
                        .sum())
                .map(sum -> Math.max(sum, all - sum))
                .min()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void everyItemIsInOnePart(int parts) {
        var random = new SplittableRandom(parts);
        var sizes = random.ints(13, 0, 300).toArray();
        var balanced = Balance.of(sizes, parts);
        assertThat(balanced).hasNumberOfRows(parts);
        assertThat(Arrays.stream(balanced).flatMapToInt(Arrays::stream).sorted().toArray())
                .isEqualTo(IntStream.range(0, sizes.length).toArray());
        for (var part : balanced) {
            assertThat(part).isSorted();
        }
    }

    /** Sizes like those of texts: the larger of two parts is within 1 % of the best on average; longest first alone is 1.6 % above. */
    @Test
    void twoPartsAreNearlyAsGoodAsTheBest() {
        var random = new SplittableRandom(7);
        double over = 0;
        int rounds = 200;
        for (int round = 0; round < rounds; round++) {
            var sizes = IntStream.range(0, 8)
                    .map(i -> (int) (200 * Math.exp(0.4 * random.nextGaussian())))
                    .toArray();
            over += (double) largest(sizes, Balance.of(sizes, 2)) / smallestLargest(sizes) - 1;
        }
        assertThat(over / rounds).isLessThan(0.01);
    }

    @Test
    void itemsChangePlacesWhereTheLongestFirstIsNotTheBest() {
        int[] sizes = {8, 7, 6, 5, 4};
        assertThat(largest(sizes, Balance.of(sizes, 2))).isEqualTo(15);
        int[] equal = {5, 5, 5, 5};
        assertThat(largest(equal, Balance.of(equal, 2))).isEqualTo(10);
        assertThat(Balance.of(new int[] {0, 0, 0}, 2)).hasNumberOfRows(2);
    }
}
