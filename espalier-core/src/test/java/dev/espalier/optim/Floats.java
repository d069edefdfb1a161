package dev.espalier.optim;

import dev.espalier.checkpoint.SafetensorsFile;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Between tensors, Java arrays and the fixtures' tensors. */
final class Floats {
    private Floats() {}

    static float[] of(Tensor tensor) {
        var values = new float[(int) tensor.numel()];
        try (var contiguous = tensor.contiguous();
                var pointer = new FloatPointer(contiguous.data_ptr())) {
            pointer.get(values);
        }
        return values;
    }

    /** Copies of a fixture file's fp32 tensors whose names start with {@code prefix}, by the rest of their names. */
    static Map<String, Tensor> fixture(String file, String prefix) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (var source = SafetensorsFile.open(path(file))) {
            for (var name : source.names()) {
                var tensor = source.tensor(name);
                if (name.startsWith(prefix) && tensor.scalar_type().intern() == ScalarType.Float) {
                    tensors.put(name.substring(prefix.length()), tensor.clone());
                }
            }
        }
        return tensors;
    }

    static Path path(String file) {
        try {
            return Path.of(Objects.requireNonNull(Floats.class.getResource("/fixtures/" + file), file)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
