package dev.espalier.route;

import dev.espalier.adapter.LoraExperts;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/**
 * What an adapter is chosen by, in {@value #FILE} of its folder: {@code prototype.MODULE [in]} for every linear that it
 * changes, and {@code centroid [hidden]} of its samples where there are any.
 *
 * @param prototypes by the linear's path; see {@link ArrowPrototypes}
 * @param centroid of length 1
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record RoutingVectors(Map<String, float[]> prototypes, Optional<float[]> centroid) {
    static final String FILE = "routing.safetensors";

    private static final String PROTOTYPE = "prototype.";
    private static final String CENTROID = "centroid";

    /** The prototypes of the adapter called {@code name}. */
    static RoutingVectors of(LoraExperts experts, String name) {
        Map<String, float[]> prototypes = new LinkedHashMap<>();
        for (var module : experts.modules(name)) {
            try (var scope = Scope.open()) {
                prototypes.put(module, FloatArrays.of(ArrowPrototypes.of(experts.factors(name, module))));
            }
        }
        return new RoutingVectors(prototypes, Optional.empty());
    }

    RoutingVectors with(float[] found) {
        return new RoutingVectors(prototypes, Optional.of(found));
    }

    void write(Path folder) {
        try (var scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            prototypes.forEach(
                    (module, vector) -> tensors.put(PROTOTYPE + module, FloatArrays.tensor(vector, vector.length)));
            centroid.ifPresent(vector -> tensors.put(CENTROID, FloatArrays.tensor(vector, vector.length)));
            Safetensors.write(folder.resolve(FILE), tensors, Map.of("format", "pt"));
        }
    }

    /** @throws InputException if the file is missing or broken */
    static RoutingVectors read(Path folder) {
        try (var scope = Scope.open();
                var file = SafetensorsFile.open(folder.resolve(FILE))) {
            Map<String, float[]> prototypes = new LinkedHashMap<>();
            file.names().stream()
                    .filter(name -> name.startsWith(PROTOTYPE))
                    .forEach(name ->
                            prototypes.put(name.substring(PROTOTYPE.length()), FloatArrays.of(file.tensor(name))));
            return new RoutingVectors(
                    prototypes,
                    Optional.of(CENTROID)
                            .filter(file.names()::contains)
                            .map(name -> FloatArrays.of(file.tensor(name))));
        }
    }

    /** The prototype of {@code module}. */
    float[] prototype(String module, Path folder) {
        var found = prototypes.get(module);
        if (found == null) {
            throw new InputException(folder.resolve(FILE) + " has no prototype of " + module
                    + ", which the adapter changes; add the adapter again with --replace.");
        }
        return found;
    }

    /** The centroid. */
    float[] centroid(Path folder) {
        return centroid.orElseThrow(() -> new InputException(folder.resolve(FILE)
                + " has no centroid of samples; add the adapter again with --samples and --replace."));
    }
}
