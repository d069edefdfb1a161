package dev.espalier.adapter;

import static dev.espalier.Fixtures.longs;

import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.Batch;
import dev.espalier.tensor.Layout;
import java.util.Arrays;
import java.util.stream.LongStream;

/** Batches of classified sequences for tests. */
final class Batches {
    private Batches() {}

    /** The batch that a fixture's numbers belong to. */
    static Batch of(TensorSource expected) {
        var ids = expected.tensor("input_ids");
        int rows = (int) ids.size(0);
        int tokens = (int) ids.size(1);
        return new Batch(
                0,
                Layout.rightPadded(
                        tokens, ints(longs(expected.tensor("attention_mask").sum(1)))),
                longs(ids),
                longs(expected.tensor("token_type_ids")),
                ints(longs(expected.tensor("labels"))),
                new float[0],
                LongStream.range(0, rows).toArray(),
                rows);
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }
}
