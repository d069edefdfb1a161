package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DepthRuleTest {
    @Test
    void aQuarterOfTheLayersEachGets2Then4Then6Then8() {
        var allocation = new DepthRule(DepthRule.MOLA, Grouping.ALL).allocate(Matrices.of(layers(32)));

        for (int layer = 0; layer < 32; layer++) {
            int expected = List.of(2, 4, 6, 8).get(layer / 8);
            assertThat(allocation.count("h." + layer + ".attn.q")).isEqualTo(expected);
            assertThat(allocation.count("h." + layer + ".mlp.up")).isEqualTo(expected);
        }
    }

    @Test
    void unevenPartsDifferByOneLayer() {
        var allocation = new DepthRule(DepthRule.MOLA, Grouping.ALL).allocate(Matrices.of(layers(6)));

        assertThat(List.of(0, 1, 2, 3, 4, 5).stream().map(layer -> allocation.count("h." + layer + ".attn.q")))
                .containsExactly(2, 2, 4, 6, 6, 8);
    }

    @Test
    void matricesOutsideOfTheGroupGetNone() {
        var allocation = new DepthRule(List.of(3, 1), Grouping.ATTENTION).allocate(Matrices.of(layers(4)));

        assertThat(allocation.count("h.0.attn.q")).isEqualTo(3);
        assertThat(allocation.count("h.3.attn.q")).isEqualTo(1);
        assertThat(allocation.count("h.0.mlp.up")).isZero();
    }

    @Test
    void fewerLayersThanPartsAndModulesWithoutALayerAreRefused() {
        var rule = new DepthRule(DepthRule.MOLA, Grouping.ALL);

        assertThatThrownBy(() -> rule.allocate(Matrices.of(layers(3))))
                .isInstanceOf(InputException.class)
                .hasMessage("The 3 layers cannot be cut into 4 parts; give fewer numbers.");
        assertThatThrownBy(() -> rule.allocate(Matrices.of(Map.of("pooler.dense", new MatrixShape(4, 4)))))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'pooler.dense'");
        assertThatThrownBy(() -> new DepthRule(List.of(2, -1), Grouping.ALL)).isInstanceOf(InputException.class);
    }

    private static Map<String, MatrixShape> layers(int count) {
        Map<String, MatrixShape> shapes = new LinkedHashMap<>();
        for (int layer = 0; layer < count; layer++) {
            shapes.put("h." + layer + ".attn.q", new MatrixShape(8, 8));
            shapes.put("h." + layer + ".mlp.up", new MatrixShape(16, 8));
        }
        return shapes;
    }
}
