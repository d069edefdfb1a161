package dev.espalier.model;

import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Scope;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/** Tensors that layers use alike, made when the first of them asks; they live until this is closed. */
final class SharedTensors implements AutoCloseable {
    private final Map<Place, Tensor> tensors = new HashMap<>();

    /** In which pass, for which tokens, and what. */
    private record Place(Object pass, Layout layout, Object key) {}

    Tensor get(Object pass, Layout layout, Object key, Supplier<Tensor> make) {
        var place = new Place(pass, layout, key);
        var known = tensors.get(place);
        if (known != null) {
            return known;
        }
        try (var scope = Scope.open()) {
            var made = make.get();
            made.retainReference();
            tensors.put(place, made);
            return made;
        }
    }

    @Override
    public void close() {
        tensors.values().forEach(Tensor::releaseReference);
        tensors.clear();
    }
}
