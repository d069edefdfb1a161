package dev.espalier.report;

import dev.espalier.allocation.ModulePath;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A model's matrices as a grid of layers and types.
 *
 * @param layers numbers from the lowest up, after them nothing for matrices that lie in no layer, if there are any
 * @param types as short as they stay unlike each other
 * @param modules {@code [layer][type]}, empty where a layer has no such matrix
 */
record LayerGrid(List<String> layers, List<String> types, List<List<Optional<String>>> modules) {
    static LayerGrid of(Collection<String> modules) {
        var types = new LinkedHashSet<String>();
        Map<Integer, Map<String, String>> byLayer = new TreeMap<>();
        for (var module : modules) {
            var path = ModulePath.of(module);
            types.add(path.type());
            byLayer.computeIfAbsent(path.layer().orElse(Integer.MAX_VALUE), layer -> new TreeMap<>())
                    .put(path.type(), module);
        }
        List<List<Optional<String>>> grid = new ArrayList<>();
        byLayer.values()
                .forEach(row -> grid.add(types.stream()
                        .map(type -> Optional.ofNullable(row.get(type)))
                        .toList()));
        var names = types.stream().map(type -> shortened(type, types)).toList();
        return new LayerGrid(byLayer.keySet().stream().map(LayerGrid::name).toList(), names, grid);
    }

    private static String name(int layer) {
        return layer == Integer.MAX_VALUE ? "" : Integer.toString(layer);
    }

    /** The shortest end of {@code type} that no other type has. */
    private static String shortened(String type, Collection<String> types) {
        for (int dot = type.lastIndexOf('.'); dot >= 0; dot = type.lastIndexOf('.', dot - 1)) {
            var end = type.substring(dot);
            if (types.stream().noneMatch(other -> !other.equals(type) && ("." + other).endsWith(end))) {
                return end.substring(1);
            }
        }
        return type;
    }
}
