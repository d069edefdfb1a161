package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.Fixtures;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decoders in the dtype of their files, and in another. */
class DecoderDtypeTest {
    private static final Path MAPS = Path.of("/proc/self/maps");

    @Test
    void bfloat16LogitsAreThoseOfTransformers() {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("models/llama_bf16_sharded/expected.safetensors");
                var model = AutoModel.decoder(Fixtures.path("models/llama_bf16_sharded"), ScalarType.BFloat16)) {
            var batch = EncoderFixtureTest.batch(expected, true);
            try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
                var hidden = model.hidden(batch, context);
                assertThat(Engine.dtype(hidden.value())).isEqualTo(ScalarType.BFloat16);
                var want = expected.tensor("logits_bf16").to(ScalarType.Float);
                var mask =
                        expected.tensor("attention_mask").to(ScalarType.Float).unsqueeze(2);
                var logits = model.lmHead().forward(hidden, context).value().view(want.shape());
                assertClose("logits", logits.mul(mask), want.mul(mask), 2e-2, 1e-1);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama, Float, true",
        "llama3_tied, Float, true",
        "gpt2, Float, true",
        "llama_bf16_sharded, BFloat16, true",
        "llama_bf16_sharded, Float, false"
    })
    void weightsOfTheWantedDtypeStayInTheMappedFile(String name, ScalarType dtype, boolean mapped) throws IOException {
        assumeTrue(Files.isReadable(MAPS), "only Linux lists what is mapped");
        var folder = Fixtures.path("models/" + name).toRealPath();
        try (var scope = Scope.open();
                var model = AutoModel.decoder(folder, dtype)) {
            var ranges = Files.readAllLines(MAPS).stream()
                    .filter(line -> line.contains(folder + "/") && line.endsWith(".safetensors"))
                    .map(Range::of)
                    .toList();
            assertThat(ranges).isNotEmpty();
            assertThat(model.parameters()).isNotEmpty().allSatisfy((weight, parameter) -> {
                assertThat(Engine.dtype(parameter.value())).isEqualTo(dtype);
                assertThat(Range.isIn(ranges, parameter.value().data_ptr().address()))
                        .as(weight)
                        .isEqualTo(mapped);
            });
        }
    }

    /** Addresses of a mapping, as {@code /proc/self/maps} writes them. */
    private record Range(long from, long to) {
        static Range of(String line) {
            var ends = line.substring(0, line.indexOf(' ')).split("-", 2);
            return new Range(Long.parseUnsignedLong(ends[0], 16), Long.parseUnsignedLong(ends[1], 16));
        }

        static boolean isIn(List<Range> ranges, long address) {
            return ranges.stream().anyMatch(range -> range.from <= address && address < range.to);
        }
    }
}
