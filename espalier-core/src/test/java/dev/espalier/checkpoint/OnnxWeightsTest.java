package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxWeightsTest {
    @TempDir
    Path folder;

    @Test
    void namedWeightsKeepNameShapeAndValues() throws IOException {
        try (var weights = openTensor(OnnxBytes.raw("layer.bias", new long[] {3}, 1, 2, 3))) {
            assertThat(weights.names()).containsExactly("layer.bias");
            assertThat(weights.info("layer.bias")).isEqualTo(new TensorInfo(ScalarType.Float, List.of(3L)));
            assertThat(values(weights.tensor("layer.bias"))).containsExactly(1, 2, 3);
        }
    }

    @Test
    void anonymousWeightsAreNamedAfterTheirNodeAndTransposed() throws IOException {
        var nodes =
                new byte[][] {OnnxBytes.node("MatMul", "/encoder/layer.0/output/dense/MatMul", "x", "onnx::MatMul_7")};
        var stored = new byte[][] {OnnxBytes.raw("onnx::MatMul_7", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)};
        try (var weights = open(OnnxBytes.model(nodes, stored))) {
            var name = "encoder.layer.0.output.dense.weight";
            assertThat(weights.names()).containsExactly(name);
            assertThat(weights.info(name).shape()).containsExactly(3L, 2L);
            assertThat(weights.tensor(name).sizes().vec().get()).containsExactly(3, 2);
            assertThat(values(weights.tensor(name))).containsExactly(1, 4, 2, 5, 3, 6);
        }
    }

    @Test
    void anonymousConstantsThatNoModuleMultipliesByAreLeftOut() throws IOException {
        var nodes = new byte[][] {
            OnnxBytes.node("Add", "/encoder/Add", "x", "onnx::Add_1"),
            OnnxBytes.node("MatMul", "/MatMul", "x", "onnx::MatMul_2"),
            OnnxBytes.node("MatMul", "MatMul_3", "x", "onnx::MatMul_3")
        };
        var one = new long[] {1, 1};
        var stored = new byte[][] {
            OnnxBytes.raw("onnx::Add_1", one, 1),
            OnnxBytes.raw("onnx::MatMul_2", one, 1),
            OnnxBytes.raw("onnx::MatMul_3", one, 1)
        };
        try (var weights = open(OnnxBytes.model(nodes, stored))) {
            assertThat(weights.names()).isEmpty();
        }
    }

    @Test
    void floatDataIsReadPackedAndOneByOne() throws IOException {
        var packed = floats(out -> out.writeByteArray(4, OnnxBytes.littleEndian(1, 2, 3)));
        var single = floats(out -> {
            out.writeFloat(4, 1);
            out.writeFloat(4, 2);
            out.writeFloat(4, 3);
        });
        var mixed = floats(out -> {
            out.writeFloat(4, 1);
            out.writeByteArray(4, OnnxBytes.littleEndian(2, 3));
        });
        for (var bytes : List.of(packed, single, mixed)) {
            try (var weights = openTensor(bytes)) {
                assertThat(values(weights.tensor("x"))).containsExactly(1, 2, 3);
            }
        }
    }

    @Test
    void packedDimensionsAreReadAsWell() throws IOException {
        var bytes = OnnxBytes.message(out -> {
            out.writeByteArray(1, new byte[] {2, 1});
            out.writeInt32(2, 1);
            out.writeString(8, "x");
            out.writeByteArray(9, OnnxBytes.littleEndian(1, 2));
        });
        try (var weights = openTensor(bytes)) {
            assertThat(weights.info("x").shape()).containsExactly(2L, 1L);
        }
    }

    @Test
    void tooFewBytesForTheShapeAreSaid() throws IOException {
        try (var weights = openTensor(OnnxBytes.raw("x", new long[] {2, 2}, 1, 2, 3))) {
            assertThatThrownBy(() -> weights.tensor("x"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining(
                            "tensor 'x': the shape [2, 2] takes 16 bytes of raw_data or float_data, found 12");
        }
    }

    @Test
    void aShapeLargerThanAnyFileIsSaid() throws IOException {
        var huge = 1L << 62;
        try (var weights = openTensor(OnnxBytes.raw("x", new long[] {huge, huge}, 1))) {
            assertThatThrownBy(() -> weights.tensor("x"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("tensor 'x': the shape [" + huge + ", " + huge + "] takes");
        }
    }

    @Test
    void aNegativeDimensionIsSaid() {
        assertThatThrownBy(() ->
                        openTensor(OnnxBytes.raw("x", new long[] {-1, -1}, 1)).close())
                .isInstanceOf(InputException.class)
                .hasMessageContaining("negative dimension -1");
    }

    @Test
    void valuesInAnotherFileAreSaid() throws IOException {
        try (var weights = openTensor(floats(out -> out.writeEnum(14, 1)))) {
            assertThatThrownBy(() -> weights.tensor("x"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("the values are in another file");
        }
    }

    @Test
    void aDataTypeThatIsNotSupportedIsSaid() throws IOException {
        var text = OnnxBytes.message(out -> {
            out.writeInt32(2, 8);
            out.writeString(8, "x");
        });
        try (var weights = openTensor(text)) {
            assertThatThrownBy(() -> weights.info("x"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("tensor 'x': weights of ONNX data type 8");
        }
    }

    @Test
    void aTruncatedFileIsSaid() {
        var bytes = OnnxBytes.model(new byte[0][], new byte[][] {OnnxBytes.raw("x", new long[] {3}, 1, 2, 3)});
        for (var length = 1; length < bytes.length - 4; length += 3) {
            var cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> open(cut).close())
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("m.onnx");
        }
    }

    @Test
    void aFileThatIsNoModelIsSaid() {
        assertThatThrownBy(() -> open("<html>not found</html>".getBytes(StandardCharsets.UTF_8))
                        .close())
                .isInstanceOf(InputException.class)
                .hasMessageContaining("m.onnx");
    }

    private static byte[] floats(IoConsumer<CodedOutputStream> data) {
        return OnnxBytes.message(out -> {
            out.writeInt64(1, 3);
            out.writeInt32(2, 1);
            data.accept(out);
            out.writeString(8, "x");
        });
    }

    private OnnxWeights openTensor(byte[] initializer) throws IOException {
        return open(OnnxBytes.model(new byte[0][], new byte[][] {initializer}));
    }

    private OnnxWeights open(byte[] model) throws IOException {
        return OnnxWeights.open(Files.write(folder.resolve("m.onnx"), model));
    }

    private static double[] values(Tensor tensor) {
        assertThat(tensor.is_contiguous()).isTrue();
        return Fixtures.doubles(tensor);
    }
}
