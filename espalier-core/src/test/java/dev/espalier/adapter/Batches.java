package dev.espalier.adapter;

import static dev.espalier.Fixtures.longs;

import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.Batch;
import dev.espalier.tensor.Layout;
import java.util.Arrays;
import java.util.stream.LongStream;

/** The fixtures' batches. */
final class Batches {
    private Batches() {}

    /** The batch that a fixture's numbers belong to. */
    static Batch of(TensorSource expected) {
        var ids = expected.tensor("input_ids");
        int rows = (int) ids.size(0);
        int tokens = (int) ids.size(1);
        var labels = ints(longs(expected.tensor("labels")));
        return new Batch(
                0,
                Layout.rightPadded(
                        tokens, ints(longs(expected.tensor("attention_mask").sum(1)))),
                longs(ids),
                expected.names().contains("token_type_ids")
                        ? longs(expected.tensor("token_type_ids"))
                        : new long[rows * tokens],
                labels,
                new float[0],
                LongStream.range(0, rows).toArray(),
                (int) Arrays.stream(labels)
                        .filter(label -> label != Batch.IGNORED)
                        .count());
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }
}
