package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {
    private static final int PAD = 9;

    private static EncodedExample example(long id, int[] ids, int[] labels, float... values) {
        return new EncodedExample(3, id, ids, new int[ids.length], labels, values);
    }

    private static EncodedExample labelled(long id, int length) {
        var ids = new int[length];
        Arrays.fill(ids, (int) id + 1);
        return example(id, ids, new int[] {(int) id});
    }

    @Test
    void rowsArePaddedAtTheRightToTheLongest() {
        var first = new EncodedExample(3, 5, new int[] {1, 2}, new int[] {0, 1}, new int[] {4}, new float[0]);
        var batch = Batch.of(List.of(first, example(6, new int[] {3}, new int[] {2})), PAD);
        assertThat(batch.rows()).isEqualTo(2);
        assertThat(batch.tokens()).isEqualTo(2);
        assertThat(batch.inputIds()).containsExactly(1, 2, 3, PAD);
        assertThat(batch.tokenTypeIds()).containsExactly(0, 1, 0, 0);
        assertThat(batch.layout().lengths()).containsExactly(2, 1);
        assertThat(batch.labels()).containsExactly(4, 2);
        assertThat(batch.exampleIds()).containsExactly(5, 6);
        assertThat(batch.task()).isEqualTo(3);
        assertThat(batch.labelCount()).isEqualTo(2);
    }

    @Test
    void someRowsArePaddedToTheirOwnLongest() {
        var batch = Batch.of(List.of(labelled(1, 4), labelled(2, 2), labelled(3, 3), labelled(4, 1)), PAD);
        var part = batch.rows(1, 2);
        assertThat(part.inputIds()).containsExactly(3, 3, PAD, 4, 4, 4);
        assertThat(part.layout().lengths()).containsExactly(2, 3);
        assertThat(part.exampleIds()).containsExactly(2, 3);
        assertThat(part.labels()).containsExactly(2, 3);
        assertThat(part.task()).isEqualTo(3);
        var first = example(1, new int[] {1, 1, 1}, new int[] {1, 1, 1});
        var second = example(2, new int[] {3, 3}, new int[] {2, 2});
        var packed = Batch.packed(
                List.of(List.of(first, second), List.of(second, example(3, new int[] {4}, new int[] {3}))), PAD);
        assertThat(packed.rows(1).inputIds()).containsExactly(3, 3, 4);
        assertThat(packed.rows(1).exampleIds()).containsExactly(2, 3);
    }

    @Test
    void labelsPerTokenIgnorePaddingAndAreCounted() {
        var batch = Batch.of(
                List.of(
                        example(0, new int[] {1, 2, 3}, new int[] {Batch.IGNORED, 1, 0}),
                        example(1, new int[] {1, 2}, new int[] {Batch.IGNORED, 1})),
                PAD);
        assertThat(batch.labels()).containsExactly(Batch.IGNORED, 1, 0, Batch.IGNORED, 1, Batch.IGNORED);
        assertThat(batch.labelCount()).isEqualTo(3);
    }

    @Test
    void valuesStandRowByRowAndCountOnePerRow() {
        var none = new int[0];
        var batch = Batch.of(
                List.of(example(0, new int[] {1}, none, 0, 1, 1), example(1, new int[] {1}, none, 1, 0, 0)), PAD);
        assertThat(batch.values()).containsExactly(0, 1, 1, 1, 0, 0);
        assertThat(batch.labels()).isEmpty();
        assertThat(batch.labelCount()).isEqualTo(2);
    }

    @Test
    void withoutTargetsNothingIsCounted() {
        assertThat(Batch.of(List.of(example(0, new int[] {1}, new int[0])), PAD).labelCount())
                .isZero();
    }

    @Test
    void partsHoldEveryRowOnceWithoutItsNeighboursPadding() {
        var batch = Batch.of(
                List.of(labelled(0, 2), labelled(1, 12), labelled(2, 3), labelled(3, 11), labelled(4, 2)), PAD);
        var parts = batch.split(2);
        assertThat(parts).hasSize(2);
        // 2 rows of 12 and 3 rows of 3: any other cut has a part of more than 24 tokens
        assertThat(parts.get(0).exampleIds()).containsExactly(1, 3);
        assertThat(parts.get(0).tokens()).isEqualTo(12);
        assertThat(parts.get(1).exampleIds()).containsExactly(2, 0, 4);
        assertThat(parts.get(1).tokens()).isEqualTo(3);
        assertThat(parts.get(1).inputIds()).containsExactly(3, 3, 3, 1, 1, PAD, 5, 5, PAD);
        assertThat(parts.get(1).labels()).containsExactly(2, 0, 4);
        assertThat(parts.get(1).layout().lengths()).containsExactly(3, 2, 2);
    }

    @Test
    void partsOfAnyNumberAddUpToTheBatch() {
        var tagged = List.of(
                example(0, new int[] {1, 2, 3}, new int[] {Batch.IGNORED, 1, 0}),
                example(1, new int[] {1, 2}, new int[] {Batch.IGNORED, 1}),
                example(2, new int[] {1, 2, 4, 5}, new int[] {Batch.IGNORED, 2, Batch.IGNORED, 0}));
        var batch = Batch.of(tagged, PAD);
        for (int count = 1; count <= 4; count++) {
            var parts = batch.split(count);
            assertThat(parts.size()).isBetween(1, Math.min(count, 3));
            assertThat(parts.stream().mapToInt(Batch::labelCount).sum()).isEqualTo(5);
            assertThat(parts.stream().flatMapToLong(part -> Arrays.stream(part.exampleIds())))
                    .containsExactlyInAnyOrder(0L, 1L, 2L);
            for (var part : parts) {
                assertThat(part.tokens())
                        .isEqualTo(Arrays.stream(part.layout().lengths()).max().orElseThrow());
                assertThat(part.labels()).hasSize(part.rows() * part.tokens());
            }
        }
    }
}
