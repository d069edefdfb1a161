package dev.espalier.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelTableTest {
    private static final KernelShape SMALL = shape(8, 8, 2, 512, "fp32");
    private static final KernelShape LARGE = shape(32, 64, 2, 512, "fp32");
    private static final KernelTable TABLE =
            new KernelTable(List.of(new KernelTable.Row(SMALL, 900, 1100), new KernelTable.Row(LARGE, 30_000, 4_000)));

    private static KernelShape shape(int experts, int rank, int active, int tokens, String dtype) {
        return new KernelShape(experts, rank, active, false, tokens, 768, 768, dtype, "cpu", 1);
    }

    @Test
    void theNearestMeasurementChooses() {
        assertThat(TABLE.of(SMALL)).isEqualTo(Kernel.DENSE);
        assertThat(TABLE.of(LARGE)).isEqualTo(Kernel.GATHERED);
        assertThat(TABLE.of(shape(8, 16, 2, 512, "fp32"))).isEqualTo(Kernel.DENSE);
        assertThat(TABLE.of(shape(32, 32, 4, 700, "fp32"))).isEqualTo(Kernel.GATHERED);
    }

    @Test
    void whatIsLikeNothingMeasuredIsDense() {
        assertThat(TABLE.of(shape(32, 64, 2, 512, "fp64"))).isEqualTo(Kernel.DENSE);
        assertThat(new KernelTable(List.of()).of(LARGE)).isEqualTo(Kernel.DENSE);
    }

    @Test
    void allExpertsForEveryTokenAreDense() {
        assertThat(TABLE.of(shape(32, 64, 32, 512, "fp32"))).isEqualTo(Kernel.DENSE);
    }

    @Test
    void aFileGivesTheTableBack() {
        assertThat(KernelTable.parse(TABLE.csv()).rows()).isEqualTo(TABLE.rows());
    }

    @ParameterizedTest
    @ValueSource(strings = {"fp32", "bf16"})
    void theReleasedTableKnowsBothSidesOfTheCrossover(String dtype) {
        assertThat(KernelTable.RELEASED.of(shape(4, 4, 2, 512, dtype))).isEqualTo(Kernel.DENSE);
        assertThat(KernelTable.RELEASED.of(shape(32, 64, 1, 1024, dtype))).isEqualTo(Kernel.GATHERED);
    }
}
