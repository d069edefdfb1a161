package dev.espalier.optim;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

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

    /** The tensors under {@code prefix} of a fixture file, by the rest of their names. */
    static Map<String, Tensor> fixture(String file, String prefix) {
        var bytes = ByteBuffer.wrap(bytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        var headerLength = (int) bytes.getLong();
        var header =
                Json.mapper().readTree(new String(bytes.array(), Long.BYTES, headerLength, StandardCharsets.UTF_8));
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        header.properties().forEach(entry -> {
            if (entry.getKey().startsWith(prefix)
                    && entry.getValue().path("dtype").asString("").equals("F32")) {
                var shape = Json.mapper().convertValue(entry.getValue().get("shape"), long[].class);
                var offsets = entry.getValue().get("data_offsets");
                var values = new float[(offsets.get(1).asInt() - offsets.get(0).asInt()) / Float.BYTES];
                bytes.position(Long.BYTES + headerLength + offsets.get(0).asInt());
                bytes.asFloatBuffer().get(values);
                tensors.put(entry.getKey().substring(prefix.length()), Tensor.create(values, shape));
            }
        });
        return tensors;
    }

    static byte[] bytes(String file) {
        try (var stream = Floats.class.getResourceAsStream("/fixtures/" + file)) {
            if (stream == null) {
                throw new IllegalStateException("No fixture " + file);
            }
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
