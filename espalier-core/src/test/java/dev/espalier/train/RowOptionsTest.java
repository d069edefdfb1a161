package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.train.RowOptions.Attention;
import dev.espalier.train.RowOptions.Logits;
import dev.espalier.train.RowOptions.Order;
import dev.espalier.train.RowOptions.Padding;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs whose batches are made up as plain implementations make them up. */
class RowOptionsTest {
    private static final int STEPS = 4;

    @TempDir
    Path folder;

    private static String model() {
        try {
            return Path.of(RowOptionsTest.class
                            .getResource("/models/stories260K")
                            .toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<Double> losses(RowOptions rows, int batchSize, String name) {
        return losses(LoraSpec.defaults(), rows, batchSize, name);
    }

    private List<Double> losses(AdapterSpec adapter, RowOptions rows, int batchSize, String name) {
        var losses = new Losses();
        Training.of(model())
                .task(Snips.written())
                .adapter(adapter)
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .rows(rows)
                        .batchSize(batchSize)
                        .maxTokens(128)
                        .maxSteps(STEPS)
                        .build())
                .listener(losses)
                .run(folder.resolve(name));
        return losses.all();
    }

    static Stream<RowOptions> plain() {
        return Stream.of(
                new RowOptions(true, Order.LIKE_LENGTHS, Padding.NEEDED, Logits.LABELS, Attention.TILES),
                new RowOptions(false, Order.ANY, Padding.NEEDED, Logits.LABELS, Attention.TILES),
                new RowOptions(false, Order.ANY, Padding.LONGEST, Logits.LABELS, Attention.TILES),
                new RowOptions(false, Order.LIKE_LENGTHS, Padding.MAX_TOKENS, Logits.LABELS, Attention.TILES),
                new RowOptions(false, Order.LIKE_LENGTHS, Padding.LONGEST, Logits.ALL, Attention.TILES),
                new RowOptions(false, Order.ANY, Padding.MAX_TOKENS, Logits.ALL, Attention.TILES),
                new RowOptions(true, Order.ANY, Padding.MAX_TOKENS, Logits.ALL, Attention.TILES),
                new RowOptions(false, Order.LIKE_LENGTHS, Padding.NEEDED, Logits.LABELS, Attention.ONE_MASK),
                new RowOptions(false, Order.ANY, Padding.MAX_TOKENS, Logits.ALL, Attention.ONE_MASK));
    }

    /** All examples are in every batch, so that their order cannot matter. */
    @ParameterizedTest
    @MethodSource("plain")
    void theLossIsTheSameToRounding(RowOptions rows) {
        var expected = losses(RowOptions.DEFAULT, 120, "usual");
        var actual = losses(rows, 120, "plain");
        assertThat(expected).hasSize(STEPS).doesNotHaveDuplicates();
        for (int step = 0; step < STEPS; step++) {
            assertThat(actual.get(step)).isCloseTo(expected.get(step), within(1e-4));
        }
    }

    @Test
    void aMixtureThatChoosesAndDropsDoesSoAlike() {
        var sira = Mixtures.sira().with(m -> m.experts(4).topK(2));
        var padded = RowOptions.DEFAULT.padded(Padding.LONGEST);
        var expected = losses(sira, padded, 120, "padded");
        var actual = losses(sira, RowOptions.DEFAULT, 120, "joined");
        for (int step = 0; step < STEPS; step++) {
            assertThat(actual.get(step)).isCloseTo(expected.get(step), within(1e-4));
        }
    }

    @Test
    void theOrderOfRowsMattersWhereBatchesAreSmall() {
        var any = new RowOptions(false, Order.ANY, Padding.NEEDED, Logits.LABELS, Attention.TILES);
        assertThat(losses(any, 4, "any")).isNotEqualTo(losses(RowOptions.DEFAULT, 4, "like"));
    }
}
