package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.allocation.Allocation;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AllocationTableTest {
    @Test
    void layersAreInOrderAndTypesAsShortAsTheyStayUnlike() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (int layer : new int[] {10, 2}) {
            counts.put("bert.encoder.layer." + layer + ".attention.self.query", layer);
            counts.put("bert.encoder.layer." + layer + ".attention.output.dense", 0);
            counts.put("bert.encoder.layer." + layer + ".output.dense", 1);
        }
        counts.put("bert.encoder.layer.2.attention.self.key", 3);

        assertThat(AllocationTable.of(new Allocation(counts)).toString()).isEqualTo("""
                layer  query  attention.output.dense  output.dense  key  total
                ─────  ─────  ──────────────────────  ────────────  ───  ─────
                    2      2                       0             1    3      6
                   10     10                       0             1          11
                total     12                       0             2    3     17
                """);
    }

    @Test
    void matricesOutsideOfTheLayersHaveARowOfTheirOwn() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        counts.put("pooler.dense", 2);
        counts.put("layer.0.dense", 1);

        assertThat(AllocationTable.of(new Allocation(counts)).toString()).isEqualTo("""
                layer  pooler.dense  dense  total
                ─────  ────────────  ─────  ─────
                    0                    1      1
                                  2             2
                total             2      1      3
                """);
    }
}
