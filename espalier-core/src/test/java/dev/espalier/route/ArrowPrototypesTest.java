package dev.espalier.route;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.OnEngine;
import dev.espalier.adapter.LoraExperts.Factors;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The prototype from the factors against the singular value decomposition of their product. */
@ExtendWith(OnEngine.class)
class ArrowPrototypesTest {
    private static Factors drawn(int out, int rank, int in) {
        return new Factors(
                Initialiser.normal(1, RandomStream.of(1), rank, in),
                Initialiser.normal(1, RandomStream.of(2), out, rank),
                .5);
    }

    @ParameterizedTest
    @CsvSource({"12, 1, 20", "20, 4, 12", "7, 7, 7", "5, 8, 30", "30, 8, 5", "64, 16, 48"})
    void itIsTheFirstRightSingularVectorOfTheProduct(int out, int rank, int in) {
        var factors = drawn(out, rank, in);
        var product = torch.mm(factors.b().to(ScalarType.Double), factors.a().to(ScalarType.Double));
        var found = torch.linalg_svd(product, false, new StringViewOptional());
        var expected = doubles(new Tensor(found.get2()).select(0, 0));
        double value = new Tensor(found.get1()).max().item_double();

        var prototype = ArrowPrototypes.of(factors);
        var actual = doubles(prototype);

        double sign = Math.signum(actual[0] * expected[0]);
        double square = 0;
        double largest = 0;
        for (int i = 0; i < in; i++) {
            assertThat(actual[i]).isCloseTo(sign * expected[i], within(1e-6));
            square += actual[i] * actual[i];
            largest = Math.abs(actual[i]) > Math.abs(largest) ? actual[i] : largest;
        }
        assertThat(square).isCloseTo(1, within(1e-6));
        assertThat(largest).isPositive();
        var changed = torch.mv(product, prototype.to(ScalarType.Double)).norm().item_double();
        assertThat(changed).isCloseTo(value, within(1e-5 * value));
    }

    @Test
    void theFactorsMayBeTurnedAgainstEachOther() {
        var factors = drawn(9, 3, 11);
        var turn = Initialiser.normal(1, RandomStream.of(3), 3, 3);
        var turned = new Factors(torch.mm(turn, factors.a()), torch.mm(factors.b(), torch.linalg_inv(turn)), 7);

        var expected = doubles(ArrowPrototypes.of(factors));
        var actual = doubles(ArrowPrototypes.of(turned));

        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-4));
        }
    }

    @Test
    void whatChangesNothingHasNoDirection() {
        var factors = new Factors(Initialiser.normal(1, RandomStream.of(1), 2, 5), Initialiser.zeros(4, 2), 1);

        assertThat(doubles(ArrowPrototypes.of(factors))).containsOnly(0);
    }
}
