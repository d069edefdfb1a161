package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelSpaceTest {
    @Test
    void orderDependsOnTheSetOfLabelsOnly() {
        assertThat(LabelSpace.of(List.of("b", "a", "C", "b")).names()).containsExactly("C", "a", "b");
        assertThat(LabelSpace.of(List.of("a", "b", "b", "C")).names()).containsExactly("C", "a", "b");
    }

    @Test
    void wholeNumbersStandInTheirOwnOrder() {
        assertThat(LabelSpace.of(List.of("10", "2", "-1")).names()).containsExactly("-1", "2", "10");
        assertThat(LabelSpace.of(List.of("10", "2", "x")).names()).containsExactly("10", "2", "x");
    }

    @Test
    void aTrainedHeadKeepsItsOrder() {
        assertThat(LabelSpace.inOrder(List.of("b", "a")).names()).containsExactly("b", "a");
    }

    @Test
    void anUnknownLabelNamesFileRowAndNearest() {
        var labels = LabelSpace.of(List.of("PlayMusic", "RateBook"));
        var origin = new Origin("x.jsonl", 7);
        assertThat(labels.index("RateBook", origin)).isEqualTo(1);
        assertThatThrownBy(() -> labels.index("PlayMusik", origin))
                .isInstanceOf(InputException.class)
                .hasMessage("x.jsonl, row 7: label 'PlayMusik' is not among the 2 labels of the training split"
                        + " (nearest: 'PlayMusic'); correct it, or add rows with it to the training split.");
    }
}
