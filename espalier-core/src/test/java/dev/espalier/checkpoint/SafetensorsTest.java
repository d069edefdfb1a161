package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bert_cls/model", "llama_bf16_sharded/model-00001-of-00002"})
    void whatTheReferenceWriterWroteIsRewrittenByteForByte(String name) throws IOException {
        var original = Fixtures.path("models/" + name + ".safetensors");
        var copy = folder.resolve("copy.safetensors");
        try (var source = SafetensorsFile.open(original)) {
            // A hash map, so that the order is the writer's own.
            Map<String, Tensor> tensors = new HashMap<>();
            source.names().forEach(tensor -> tensors.put(tensor, source.tensor(tensor)));
            Safetensors.write(copy, tensors, source.metadata());
        }
        assertThat(copy).hasSameBinaryContentAs(original);
    }

    @ParameterizedTest
    @EnumSource
    void everyDtypeSurvivesARoundTrip(SafetensorsDtype dtype) {
        var file = folder.resolve("a.safetensors");
        try (var scope = Scope.open()) {
            var raw = torch.arange(new Scalar(48), new TensorOptions(ScalarType.Byte));
            if (dtype == SafetensorsDtype.BOOL) {
                raw = raw.remainder(new Scalar(2));
            }
            var stored = raw.view(dtype.scalarType).view(2, -1);
            Safetensors.write(file, Map.of("x", stored), Map.of());
            try (var source = SafetensorsFile.open(file)) {
                assertThat(source.info("x"))
                        .isEqualTo(new TensorInfo(dtype.scalarType, List.of(2L, 24L / dtype.bytes)));
                var read = source.tensor("x");
                assertThat(read.scalar_type().intern()).isEqualTo(dtype.scalarType);
                assertThat(torch.equal(read.view(ScalarType.Byte), stored.view(ScalarType.Byte)))
                        .isTrue();
            }
        }
    }

    @Test
    void scalarsEmptyTensorsAndStridedTensorsKeepShapeAndValues() {
        var file = folder.resolve("a.safetensors");
        try (var scope = Scope.open()) {
            var square = torch.arange(new Scalar(6)).view(2, 3);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("scalar", torch.scalar_tensor(new Scalar(3.5)));
            tensors.put("none", torch.empty(0, 4));
            tensors.put("transposed", square.t());
            Safetensors.write(file, tensors, Map.of());
            try (var source = SafetensorsFile.open(file)) {
                assertThat(source.tensor("scalar").dim()).isZero();
                assertThat(source.tensor("scalar").item_float()).isEqualTo(3.5f);
                assertThat(source.tensor("none").sizes().vec().get()).containsExactly(0, 4);
                assertThat(torch.equal(source.tensor("transposed"), square.t())).isTrue();
            }
        }
    }

    @Test
    void aFileWithoutTensorsOpens() {
        var file = folder.resolve("a.safetensors");
        Safetensors.write(file, Map.of(), Map.of("format", "pt"));
        try (var source = SafetensorsFile.open(file)) {
            assertThat(source.names()).isEmpty();
            assertThat(source.metadata()).containsExactly(Map.entry("format", "pt"));
        }
    }

    @Test
    void dataStartsAtAMultipleOfEightAndTheSameInputGivesTheSameBytes() throws IOException {
        try (var scope = Scope.open()) {
            List<byte[]> written = new ArrayList<>();
            for (var keys : List.of(List.of("b", "a"), List.of("a", "b"))) {
                var file = folder.resolve(keys.get(0));
                Map<String, String> metadata = new LinkedHashMap<>();
                Map<String, Tensor> tensors = new LinkedHashMap<>();
                keys.forEach(key -> {
                    metadata.put(key, "é" + key);
                    tensors.put(key, torch.ones(3));
                });
                Safetensors.write(file, tensors, metadata);
                written.add(Files.readAllBytes(file));
            }
            assertThat(written.get(0)).isEqualTo(written.get(1));
            assertThat((written.get(0).length - 2 * 3 * Float.BYTES) % 8).isZero();
        }
    }

    @Test
    void dataThatIsNotAlignedToItsDtypeIsCopiedAndRight() throws IOException {
        var file = folder.resolve("odd.safetensors");
        try (var scope = Scope.open()) {
            Safetensors.write(file, Map.of("x", torch.arange(new Scalar(5.0))), Map.of());
            Files.write(file, oneByteLongerHeader(Files.readAllBytes(file)));
            try (var source = SafetensorsFile.open(file)) {
                assertThat(torch.equal(source.tensor("x"), torch.arange(new Scalar(5.0))))
                        .isTrue();
            }
        }
    }

    @Test
    void tensorsAreViewsOfOneMapping() {
        try (var source = SafetensorsFile.open(Fixtures.path("models/bert_cls/model.safetensors"))) {
            var names = List.copyOf(source.names());
            var first = source.tensor(names.get(0));
            var second = source.tensor(names.get(1));
            try (var scope = Scope.open()) {
                assertThat(first.storage().data().address())
                        .isEqualTo(second.storage().data().address());
            }
            assertThat(source.tensor(names.get(0))).isSameAs(first);
        }
    }

    @Test
    void closingAFileFreesItsNativeObjects() {
        try (var scope = Scope.open()) {
            readOneTensor();
        }
        var before = Scope.liveObjects();
        for (var i = 0; i < 20; i++) {
            readOneTensor();
        }
        assertThat(Scope.liveObjects()).isEqualTo(before);
    }

    private static void readOneTensor() {
        try (var source = SafetensorsFile.open(Fixtures.path("models/bert_cls/model.safetensors"))) {
            assertThat(source.tensor("classifier.bias").numel()).isEqualTo(3);
        }
    }

    @Test
    void aPathThatIsNotAsciiOpens() {
        var file = folder.resolve("modèle-模型.safetensors");
        try (var scope = Scope.open()) {
            Safetensors.write(file, Map.of("x", torch.ones(3)), Map.of());
            try (var source = SafetensorsFile.open(file)) {
                assertThat(torch.equal(source.tensor("x"), torch.ones(3))).isTrue();
            }
        }
    }

    @Test
    void aFileThatIsNotThereOrIsAFolderIsSaid() {
        for (var path : List.of(folder.resolve("gone.safetensors"), folder)) {
            assertThatThrownBy(() -> SafetensorsFile.open(path).close())
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining(path.toString());
        }
    }

    @Test
    void aTensorThatIsNotThereNamesTheNearest() {
        try (var source = SafetensorsFile.open(Fixtures.path("models/bert_cls/model.safetensors"))) {
            assertThatThrownBy(() -> source.tensor("classifier.bia"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("no tensor 'classifier.bia'")
                    .hasMessageContaining("classifier.bias");
        }
    }

    @Test
    void aTensorWithoutADtypeInTheFormatIsRefusedBeforeAnythingIsWritten() {
        var file = folder.resolve("a.safetensors");
        try (var scope = Scope.open()) {
            var complex = torch.ones(2).to(ScalarType.ComplexDouble);
            assertThatThrownBy(() -> Safetensors.write(file, Map.of("x", complex), Map.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("ComplexDouble");
        }
        assertThat(file).doesNotExist();
    }

    /** Pads the header by one space more, which moves the data off alignment and is still valid. */
    private static byte[] oneByteLongerHeader(byte[] file) {
        var header = file[0] + 8;
        var longer = new byte[file.length + 1];
        System.arraycopy(file, 0, longer, 0, header);
        longer[0]++;
        longer[header] = " ".getBytes(StandardCharsets.US_ASCII)[0];
        System.arraycopy(file, header, longer, header + 1, file.length - header);
        return longer;
    }
}
