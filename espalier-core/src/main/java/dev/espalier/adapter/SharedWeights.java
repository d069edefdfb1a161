package dev.espalier.adapter;

import dev.espalier.routing.Router;
import dev.espalier.routing.SharedRouter;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The weights that several modules of an adapter use, fp32, each made when the first module asks for it. */
final class SharedWeights {
    /** Where a {@link DeltaWeights.Source} looks for them: no module's path. */
    static final String MODULE = "";

    private final String adapter;
    private final Map<String, List<Integer>> shapes;
    private final DeltaWeights.Source source;
    private final Owner owner;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<String> stored = new ArrayList<>();
    private final Map<Integer, SharedRouter> routers = new HashMap<>();

    /** @param shapes of the modules that the adapter changes, by path, in forward order */
    SharedWeights(String adapter, Map<String, List<Integer>> shapes, DeltaWeights.Source source, Owner owner) {
        this.adapter = adapter;
        this.shapes = shapes;
        this.source = source;
        this.owner = owner;
    }

    /** The adapter's name. */
    String adapter() {
        return adapter;
    }

    /** How many modules the adapter changes. */
    int modules() {
        return shapes.size();
    }

    /** The shapes of the modules that the adapter changes, by path. */
    Map<String, List<Integer>> shapes() {
        return shapes;
    }

    /** The modules that the adapter changes in a layer, in forward order. */
    List<String> ofLayer(int layer) {
        return shapes.keySet().stream()
                .filter(path -> ModuleNames.layer(path) == layer)
                .toList();
    }

    /** The router that a layer's modules share, made when the first module asks for it. */
    SharedRouter router(int layer, Supplier<Router> make) {
        return routers.computeIfAbsent(layer, key -> new SharedRouter(make.get()));
    }

    /** The largest size of any of the modules along {@code axis}: 0 for outputs, 1 for inputs. */
    int widest(int axis) {
        return shapes.values().stream().mapToInt(shape -> shape.get(axis)).max().orElseThrow();
    }

    /** The paths of the modules that the adapter changes. */
    Set<String> paths() {
        return shapes.keySet();
    }

    /** A trained weight that has no place of its own in files. */
    Parameter unsaved(String key, DeltaWeights.Initial initial) {
        var known = parameters.get(key);
        if (known != null) {
            return known;
        }
        try (var scope = Scope.open()) {
            return add(key, true, source.values(MODULE, key, StoredLayout.same(), initial));
        }
    }

    /** The weight that files call {@code base_model.KEY}. */
    Parameter weight(String key, boolean trained, DeltaWeights.Initial initial, long... shape) {
        var known = parameters.get(key);
        if (known != null) {
            return known;
        }
        stored.add(key);
        try (var scope = Scope.open()) {
            return add(key, trained, source.values(MODULE, key, StoredLayout.same(shape), initial));
        }
    }

    /** A frozen weight that no file holds, because {@code values} can make it again. */
    Parameter derived(String key, Supplier<Tensor> values) {
        var known = parameters.get(key);
        if (known != null) {
            return known;
        }
        try (var scope = Scope.open()) {
            return add(key, false, values.get());
        }
    }

    private Parameter add(String key, boolean trained, Tensor values) {
        var own = owner.own(values.to(ScalarType.Float).contiguous().clone());
        var parameter = new Parameter(key + "." + adapter, own, trained);
        parameters.put(key, parameter);
        return parameter;
    }

    List<Parameter> parameters() {
        return List.copyOf(parameters.values());
    }

    /** What files hold, by key. */
    Map<String, Parameter> stored() {
        var found = new LinkedHashMap<String, Parameter>();
        stored.forEach(key -> found.put(key, Objects.requireNonNull(parameters.get(key))));
        return found;
    }
}
