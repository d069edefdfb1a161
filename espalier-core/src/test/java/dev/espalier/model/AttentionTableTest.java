package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AttentionTableTest {
    private static final AttentionTable TABLE = new AttentionTable(List.of(
            new AttentionTable.Row("cpu", "fp32", 128, 64, 20),
            new AttentionTable.Row("cpu", "fp32", 128, 128, 30),
            new AttentionTable.Row("cpu", "fp32", 1024, 64, 50),
            new AttentionTable.Row("cpu", "fp32", 1024, 256, 40),
            new AttentionTable.Row("cpu", "bf16", 128, 32, 40)));

    @Test
    void theFastestTileOfTheNearestLengthIsTaken() {
        assertThat(TABLE.tile("cpu", "fp32", 1)).isEqualTo(64);
        assertThat(TABLE.tile("cpu", "fp32", 300)).isEqualTo(64);
        assertThat(TABLE.tile("cpu", "fp32", 400)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "fp32", 100_000)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "bf16", 4000)).isEqualTo(32);
    }

    @Test
    void whatIsNotMeasuredHasTheUsualTile() {
        assertThat(TABLE.tile("cuda", "fp32", 128)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "fp64", 128)).isEqualTo(256);
    }

    @Test
    void aTableIsReadAsItIsWritten() {
        assertThat(AttentionTable.parse(TABLE.csv())).isEqualTo(TABLE);
        assertThat(AttentionTable.RELEASED.rows()).isNotEmpty().allMatch(row -> row.micros() > 0 && row.tile() >= 0);
    }
}
