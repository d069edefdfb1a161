package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AttentionTableTest {
    private static final AttentionTable TABLE = new AttentionTable(List.of(
            new AttentionTable.Row("cpu", "fp32", 128, false, 64, 20),
            new AttentionTable.Row("cpu", "fp32", 128, false, 128, 30),
            new AttentionTable.Row("cpu", "fp32", 1024, false, 64, 50),
            new AttentionTable.Row("cpu", "fp32", 1024, false, 256, 40),
            new AttentionTable.Row("cpu", "bf16", 128, false, 32, 40)));

    @Test
    void theFastestTileOfTheNearestLengthIsTaken() {
        assertThat(TABLE.tile("cpu", "fp32", 1, false)).isEqualTo(64);
        assertThat(TABLE.tile("cpu", "fp32", 300, false)).isEqualTo(64);
        assertThat(TABLE.tile("cpu", "fp32", 400, false)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "fp32", 100_000, false)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "bf16", 4000, false)).isEqualTo(32);
    }

    @Test
    void sequencesThatShareARowHaveTilesOfTheirOwn() {
        var table = new AttentionTable(List.of(
                new AttentionTable.Row("cpu", "fp32", 128, false, 0, 10),
                new AttentionTable.Row("cpu", "fp32", 128, true, 64, 30),
                new AttentionTable.Row("cpu", "fp32", 128, true, 128, 20),
                new AttentionTable.Row("cpu", "fp32", 1024, false, 0, 10),
                new AttentionTable.Row("cpu", "fp32", 1024, false, 256, 40)));
        assertThat(table.tile("cpu", "fp32", 200, false)).isZero();
        assertThat(table.tile("cpu", "fp32", 200, true)).isEqualTo(128);
        assertThat(table.tile("cpu", "fp32", 2000, true)).isEqualTo(256);
    }

    @Test
    void whatIsNotMeasuredHasTheUsualTile() {
        assertThat(TABLE.tile("cuda", "fp32", 128, false)).isEqualTo(256);
        assertThat(TABLE.tile("cpu", "fp64", 128, false)).isEqualTo(256);
    }

    @Test
    void aTableIsReadAsItIsWritten() {
        assertThat(AttentionTable.parse(TABLE.csv())).isEqualTo(TABLE);
        assertThat(AttentionTable.RELEASED.rows()).isNotEmpty().allMatch(row -> row.micros() > 0 && row.tile() >= 0);
    }
}
