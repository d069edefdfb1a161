package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufTest {
    @TempDir
    Path folder;

    private final Scope scope = Scope.open();

    @AfterEach
    void free() {
        scope.close();
    }

    @Test
    void metadataOfEveryTypeIsReadBack() throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("text", new GgufValue.Text("größe 🙂"));
        metadata.put("uint32", new GgufValue.Uint32(-1));
        metadata.put("int32", new GgufValue.Int32(-1));
        metadata.put("float32", new GgufValue.Float32(0.1f));
        metadata.put("yes", new GgufValue.Bool(true));
        metadata.put("uint64", new GgufValue.Uint64(1L << 40));
        metadata.put("int64", new GgufValue.Int64(-5));
        metadata.put("float64", new GgufValue.Float64(0.1));
        metadata.put("texts", new GgufValue.Array(List.of(new GgufValue.Text("a"), new GgufValue.Text(""))));

        Gguf.write(folder.resolve("a.gguf"), metadata, Map.of());

        var read = GgufReader.read(folder.resolve("a.gguf"));
        assertThat(read.version()).isEqualTo(3);
        assertThat(read.tensors()).isEmpty();
        assertThat(read.metadata())
                .containsExactly(
                        Map.entry("text", "größe 🙂"),
                        Map.entry("uint32", 0xFFFFFFFFL),
                        Map.entry("int32", -1),
                        Map.entry("float32", 0.1f),
                        Map.entry("yes", true),
                        Map.entry("uint64", 1L << 40),
                        Map.entry("int64", -5L),
                        Map.entry("float64", 0.1),
                        Map.entry("texts", List.of("a", "")));
    }

    @Test
    void tensorsAreReadBackInnermostDimensionFirstAndAligned() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        var values = torch.arange(new Scalar(6)).to(ScalarType.Float).view(2, 3);
        tensors.put("fp32", values);
        tensors.put("bf16", values.to(ScalarType.BFloat16));
        tensors.put("fp16", values.to(ScalarType.Half));
        tensors.put("transposed", values.t());

        Gguf.write(folder.resolve("a.gguf"), Map.of(), tensors);

        var read = GgufReader.read(folder.resolve("a.gguf")).tensors();
        assertThat(read.keySet()).containsExactly("fp32", "bf16", "fp16", "transposed");
        assertThat(read.values()).extracting(GgufReader.Stored::offset).containsExactly(0L, 32L, 64L, 96L);
        assertThat(read.values()).extracting(GgufReader.Stored::type).containsExactly(0, 30, 1, 0);
        read.forEach((name, tensor) -> {
            boolean transposed = name.equals("transposed");
            assertThat(tensor.dimensions()).as(name).isEqualTo(transposed ? List.of(2L, 3L) : List.of(3L, 2L));
            assertThat(tensor.values()).as(name).isEqualTo(Fixtures.doubles(transposed ? values.t() : values));
        });
    }

    @Test
    void whatTheFormatCannotHoldIsRefused() {
        var target = folder.resolve("a.gguf");
        assertThatThrownBy(() -> Gguf.write(target, Map.of(), Map.of("x".repeat(64), torch.zeros(1))))
                .hasMessageContaining("longer than llama.cpp reads");
        assertThatThrownBy(() -> Gguf.write(
                        target, Map.of(), Map.of("long", torch.zeros(1).to(ScalarType.Long))))
                .hasMessageContaining("long is");
        assertThatThrownBy(() -> Gguf.write(
                        target, Map.of(), Map.of("scalar", torch.zeros(1).select(0, 0))))
                .hasMessageContaining("0 dimensions");
        assertThatThrownBy(() -> new GgufValue.Array(List.of(new GgufValue.Text("a"), new GgufValue.Bool(true))))
                .hasMessageContaining("one type");
        assertThat(target).doesNotExist();
    }
}
