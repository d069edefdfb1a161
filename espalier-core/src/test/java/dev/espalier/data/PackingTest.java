package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.tensor.Layout.Segment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackingTest {
    private static final int MOST = 64;

    @Test
    void everyExampleIsInOneRowAndNoRowIsTooLong() {
        var examples = examples(3000);

        var rows = Packing.pack(examples, MOST, 5);

        assertThat(rows.stream().flatMap(List::stream)).containsExactlyInAnyOrderElementsOf(examples);
        assertThat(rows).allSatisfy(row -> assertThat(Packing.length(row)).isLessThanOrEqualTo(MOST));
    }

    @Test
    void littleIsPadding() {
        var examples = examples(3000);
        int tokens = examples.stream().mapToInt(EncodedExample::length).sum();

        var rows = Packing.pack(examples, MOST, 5);

        assertThat(rows.size() * MOST).isLessThan((int) (tokens * 1.05));
    }

    @Test
    void theSeedDecidesWhoMeetsWhom() {
        var examples = examples(200);

        assertThat(Packing.pack(examples, MOST, 5)).isEqualTo(Packing.pack(examples, MOST, 5));
        assertThat(Packing.pack(examples, MOST, 6)).isNotEqualTo(Packing.pack(examples, MOST, 5));
    }

    @Test
    void anExampleThatIsTooLongHasARowOfItsOwn() {
        var rows = Packing.pack(List.of(example(0, 10), example(1, MOST + 1), example(2, 10)), MOST, 0);

        assertThat(rows).extracting(List::size).containsExactlyInAnyOrder(1, 2);
    }

    @Test
    void aBatchKeepsPackedExamplesApart() {
        var batch = Batch.packed(List.of(List.of(example(7, 3), example(8, 2)), List.of(example(9, 4))), 99);

        assertThat(batch.layout().segments())
                .containsExactly(new Segment(0, 0, 3), new Segment(0, 3, 2), new Segment(1, 0, 4));
        assertThat(batch.exampleIds()).containsExactly(7, 8, 9);
        assertThat(batch.inputIds()).containsExactly(70, 71, 72, 80, 81, 90, 91, 92, 93, 99);
        assertThat(batch.labels()).containsExactly(-100, 71, 72, -100, 81, -100, 91, 92, 93, -100);
        assertThat(batch.labelCount()).isEqualTo(6);
        assertThat(batch.tokenTypeIds()).containsOnly(0).hasSize(10);
    }

    @Test
    void partsOfAPackedBatchHaveAllOfItsExamples() {
        var batch = Batch.packed(Packing.pack(examples(40), MOST, 1), 0);

        var parts = batch.split(3);

        assertThat(parts).hasSizeBetween(2, 3);
        assertThat(parts.stream().mapToInt(Batch::labelCount).sum()).isEqualTo(batch.labelCount());
        assertThat(parts.stream()
                        .flatMap(part -> Arrays.stream(part.exampleIds()).boxed()))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(batch.exampleIds()).boxed().toList());
    }

    @Test
    void everyEpochShowsEveryPackedExampleOnce() {
        var batcher = new Batcher(List.of(Packing.pack(examples(300), MOST, 1)), Batcher.Shape.of(4), 1, 0);

        for (int epoch = 0; epoch < 2; epoch++) {
            int current = epoch;
            assertThat(IntStream.range(0, batcher.batchesPerEpoch())
                            .mapToObj(index -> batcher.batch(current, index))
                            .flatMap(batch -> Arrays.stream(batch.exampleIds()).boxed()))
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, 300).mapToObj(Long::valueOf).toList());
        }
        assertThat(batcher.batch(0, 0).exampleIds())
                .isNotEqualTo(batcher.batch(1, 0).exampleIds());
    }

    private static List<EncodedExample> examples(int count) {
        var random = new SplittableRandom(3);
        return IntStream.range(0, count)
                .mapToObj(id -> example(id, random.nextInt(2, MOST / 2)))
                .toList();
    }

    private static EncodedExample example(long id, int length) {
        var ids =
                IntStream.range(0, length).map(token -> (int) (10 * id + token)).toArray();
        var labels = ids.clone();
        labels[0] = Batch.IGNORED;
        return new EncodedExample(0, id, ids, new int[length], labels, new float[0]);
    }
}
