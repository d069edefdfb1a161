package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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

    private static Batcher batcher(List<List<EncodedExample>> tasks, long seed) {
        return batcher(tasks, seed, Batcher.Shape.of(SIZE));
    }

    private static Batcher batcher(List<List<EncodedExample>> tasks, long seed, Batcher.Shape shape) {
        return new Batcher(tasks.stream().map(Batcher::alone).toList(), shape, seed, 0);
    }

    private static List<String> order(List<Batch> batches) {
        return batches.stream()
                .map(batch -> batch.task() + ":" + Arrays.toString(batch.exampleIds()))
                .toList();
    }

    @Test
    void everyExampleOfEveryTaskComesOnceInBatchesOfOneTask() {
        var batcher = batcher(List.of(examples(0, 203), examples(1, 50)), 1);
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
        var batches = epoch(batcher(List.of(examples(0, 240), examples(1, 240)), 3), 0);
        long changes = IntStream.range(1, batches.size())
                .filter(i -> batches.get(i).task() != batches.get(i - 1).task())
                .count();
        assertThat(changes).isGreaterThan(15);
    }

    @Test
    void orderIsAFunctionOfSeedAndEpoch() {
        var tasks = List.of(examples(0, 203), examples(1, 50));
        var one = batcher(tasks, 1);
        var again = batcher(tasks, 1);
        again.batch(5, 3);
        assertThat(order(epoch(one, 2))).isEqualTo(order(epoch(again, 2)));
        assertThat(order(epoch(one, 2))).isNotEqualTo(order(epoch(one, 3)));
        assertThat(order(epoch(one, 2))).isNotEqualTo(order(epoch(batcher(tasks, 2), 2)));
    }

    @Test
    void aResumedRunGoesOnWithTheNextBatch() {
        var tasks = List.of(examples(0, 100));
        var whole = epoch(batcher(tasks, 1), 1);
        var rest = new ArrayList<Batch>();
        var resumed = batcher(tasks, 1);
        for (int index = 6; index < resumed.batchesPerEpoch(); index++) {
            rest.add(resumed.batch(1, index));
        }
        assertThat(order(rest)).isEqualTo(order(whole.subList(6, whole.size())));
    }

    /** How much of the batches is no padding. */
    private static double share(List<Batch> batches) {
        int padded = batches.stream()
                .mapToInt(batch -> batch.rows() * batch.tokens())
                .sum();
        int tokens = batches.stream()
                .flatMapToInt(batch -> Arrays.stream(batch.layout().lengths()))
                .sum();
        return (double) tokens / padded;
    }

    @Test
    void batchesOfLikeLengthsHaveLittlePadding() {
        var batches = epoch(batcher(List.of(examples(0, 800)), 1), 0);
        assertThat(share(batches)).isGreaterThan(0.93);
        assertThat(batches.stream().map(Batch::tokens).limit(10).distinct()).hasSizeGreaterThan(4);
    }

    @Test
    void rowsOfAnyLengthsMeetWhereThatIsAskedFor() {
        var any = epoch(batcher(List.of(examples(0, 800)), 1, new Batcher.Shape(SIZE, false, 0)), 0);
        assertThat(share(any)).isLessThan(0.8);
        assertThat(any.stream().flatMapToLong(batch -> Arrays.stream(batch.exampleIds())))
                .doesNotHaveDuplicates()
                .hasSize(800);
    }

    @Test
    void paddingThatIsAskedForStaysInEveryPart() {
        int most = 64;
        var batches = epoch(batcher(List.of(examples(0, 80)), 1, new Batcher.Shape(SIZE, true, most)), 0);
        assertThat(batches).allSatisfy(batch -> {
            assertThat(batch.tokens()).isEqualTo(most);
            assertThat(batch.split(2)).hasSize(2).allMatch(part -> part.tokens() == most);
            assertThat(batch.split(2).stream().mapToInt(Batch::labelCount).sum())
                    .isEqualTo(batch.labelCount());
        });
        assertThat(order(batches)).isEqualTo(order(epoch(batcher(List.of(examples(0, 80)), 1), 0)));
    }

    @Test
    void sequencesOfAPartFollowOneAnotherWithoutPadding() {
        var texts = IntStream.range(0, 9)
                .mapToObj(id -> {
                    int length = 3 + id * 7 % 11;
                    var ids = IntStream.range(0, length).map(i -> 100 * id + i).toArray();
                    var labels = ids.clone();
                    labels[0] = Batch.IGNORED;
                    return new EncodedExample(0, id, ids, new int[length], labels, new float[0]);
                })
                .toList();
        var batch = Batch.of(texts, 0);
        for (int parts : new int[] {1, 2, 4}) {
            var joined = batch.join(parts);
            assertThat(joined).hasSize(parts).allSatisfy(part -> {
                assertThat(part.rows()).isEqualTo(1);
                assertThat(part.tokens()).isEqualTo(part.layout().tokenCount());
                for (int i = 0; i < part.exampleIds().length; i++) {
                    var example = texts.get((int) part.exampleIds()[i]);
                    var segment = part.layout().segments().get(i);
                    int end = segment.start() + segment.length();
                    assertThat(Arrays.copyOfRange(part.inputIds(), segment.start(), end))
                            .isEqualTo(
                                    Arrays.stream(example.ids()).asLongStream().toArray());
                    assertThat(Arrays.copyOfRange(part.labels(), segment.start(), end))
                            .isEqualTo(example.labels());
                }
            });
            assertThat(joined.stream().flatMapToLong(part -> Arrays.stream(part.exampleIds())))
                    .hasSize(9)
                    .doesNotHaveDuplicates();
            assertThat(joined.stream().mapToInt(Batch::labelCount).sum()).isEqualTo(batch.labelCount());
        }
        assertThat(batch.join(20)).allMatch(part -> part.rows() * part.tokens() <= 13);
        assertThat(batch.join(20).stream().mapToInt(Batch::labelCount).sum()).isEqualTo(batch.labelCount());
        var halves = batch.join(2);
        assertThat(halves.get(0).tokens()).isCloseTo(halves.get(1).tokens(), within(3));
        var packed = Batch.packed(List.of(texts.subList(0, 5), texts.subList(5, 9)), 0);
        assertThat(packed.join(1).get(0).inputIds())
                .isEqualTo(batch.join(1).get(0).inputIds());
    }

    @Test
    void rowsOfOneLengthStayRows() {
        var texts = IntStream.range(0, 4)
                .mapToObj(id -> new EncodedExample(0, id, new int[16], new int[16], new int[16], new float[0]))
                .toList();
        assertThat(Batch.of(texts, 0).join(2)).hasSize(2).allMatch(part -> part.rows() == 2 && part.tokens() == 16);
    }

    @Test
    void aBatchThatKeepsItsPaddingIsNotJoined() {
        var texts = List.of(new EncodedExample(0, 0, new int[3], new int[3], new int[3], new float[0]));
        assertThat(Batch.of(texts, 0, 8).join(2)).singleElement().satisfies(part -> assertThat(part.tokens())
                .isEqualTo(8));
        var labelled = batcher(List.of(examples(0, 8)), 1).batch(0, 0);
        assertThat(labelled.join(2)).hasSize(2).allMatch(part -> part.rows() > 1);
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
