package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class BatcherTest {
    private static final int SIZE = 8;

    /** Lengths from 4 to 40, far from sorted. */
    private static List<EncodedExample> examples(int task, int count) {
        return IntStream.range(0, count)
                .mapToObj(id -> new EncodedExample(
                        task,
                        id,
                        new int[4 + id * 7919 % 37],
                        new int[4 + id * 7919 % 37],
                        new int[] {0},
                        new float[0]))
                .toList();
    }

    private static List<Batch> epoch(Batcher batcher, int epoch) {
        return IntStream.range(0, batcher.batchesPerEpoch())
                .mapToObj(index -> batcher.batch(epoch, index))
                .toList();
    }

    private static List<String> order(List<Batch> batches) {
        return batches.stream()
                .map(batch -> batch.task() + ":" + Arrays.toString(batch.exampleIds()))
                .toList();
    }

    @Test
    void everyExampleOfEveryTaskComesOnceInBatchesOfOneTask() {
        var batcher = new Batcher(List.of(examples(0, 203), examples(1, 50)), SIZE, 1, 0);
        var batches = epoch(batcher, 0);
        assertThat(batches).hasSize(26 + 7);
        for (int task = 0; task < 2; task++) {
            int wanted = task;
            assertThat(batches.stream()
                            .filter(batch -> batch.task() == wanted)
                            .flatMapToLong(batch -> Arrays.stream(batch.exampleIds()))
                            .sorted())
                    .containsExactlyElementsOf(IntStream.range(0, task == 0 ? 203 : 50)
                            .mapToObj(Long::valueOf)
                            .toList());
        }
    }

    @Test
    void tasksAreMixedNotOneAfterTheOther() {
        var batches = epoch(new Batcher(List.of(examples(0, 240), examples(1, 240)), SIZE, 3, 0), 0);
        long changes = IntStream.range(1, batches.size())
                .filter(i -> batches.get(i).task() != batches.get(i - 1).task())
                .count();
        assertThat(changes).isGreaterThan(15);
    }

    @Test
    void orderIsAFunctionOfSeedAndEpoch() {
        var tasks = List.of(examples(0, 203), examples(1, 50));
        var one = new Batcher(tasks, SIZE, 1, 0);
        var again = new Batcher(tasks, SIZE, 1, 0);
        again.batch(5, 3);
        assertThat(order(epoch(one, 2))).isEqualTo(order(epoch(again, 2)));
        assertThat(order(epoch(one, 2))).isNotEqualTo(order(epoch(one, 3)));
        assertThat(order(epoch(one, 2))).isNotEqualTo(order(epoch(new Batcher(tasks, SIZE, 2, 0), 2)));
    }

    @Test
    void aResumedRunGoesOnWithTheNextBatch() {
        var tasks = List.of(examples(0, 100));
        var whole = epoch(new Batcher(tasks, SIZE, 1, 0), 1);
        var rest = new ArrayList<Batch>();
        var resumed = new Batcher(tasks, SIZE, 1, 0);
        for (int index = 6; index < resumed.batchesPerEpoch(); index++) {
            rest.add(resumed.batch(1, index));
        }
        assertThat(order(rest)).isEqualTo(order(whole.subList(6, whole.size())));
    }

    @Test
    void batchesOfLikeLengthsHaveLittlePadding() {
        var batches = epoch(new Batcher(List.of(examples(0, 800)), SIZE, 1, 0), 0);
        int padded = batches.stream()
                .mapToInt(batch -> batch.rows() * batch.tokens())
                .sum();
        int tokens = batches.stream()
                .flatMapToInt(batch -> Arrays.stream(batch.layout().lengths()))
                .sum();
        assertThat((double) tokens / padded).isGreaterThan(0.93);
        assertThat(batches.stream().map(Batch::tokens).limit(10).distinct()).hasSizeGreaterThan(4);
    }

    @Test
    void evaluationGoesFromLongToShortAndMissesNothing() {
        var batches = StreamSupport.stream(
                        Batcher.inLengthOrder(examples(0, 29), SIZE, 1000, 0).spliterator(), false)
                .toList();
        assertThat(batches).hasSize(4);
        assertThat(batches.stream()
                        .flatMapToInt(batch -> Arrays.stream(batch.layout().lengths()))
                        .boxed())
                .isSortedAccordingTo((a, b) -> b - a)
                .hasSize(29);
        assertThat(batches.stream().flatMapToLong(batch -> Arrays.stream(batch.exampleIds())))
                .doesNotHaveDuplicates();
    }
}
