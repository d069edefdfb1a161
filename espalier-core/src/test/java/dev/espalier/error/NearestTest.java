package dev.espalier.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearestTest {
    @Test
    void theNearestComesFirst() {
        assertThat(Nearest.to("rnak", List.of("alpha", "rank", "ranks"), 2)).containsExactly("rank", "ranks");
    }

    @Test
    void whatIsFarIsNotNear() {
        assertThat(Nearest.near("rnak", List.of("alpha", "rank"))).contains("rank");
        assertThat(Nearest.near("experts", List.of("expert"))).contains("expert");
        assertThat(Nearest.near("expert", List.of("alpha", "rank", "dropout"))).isEmpty();
        assertThat(Nearest.near("expert", List.of())).isEmpty();
    }
}
