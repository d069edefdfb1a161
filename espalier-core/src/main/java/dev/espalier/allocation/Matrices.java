package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The weight matrices of a model that can get experts, and what is known of them. */
public final class Matrices {
    private final Set<String> modules;
    private final Optional<Sensitivities> sensitivities;
    private final Map<String, MatrixShape> shapes;

    private Matrices(Set<String> modules, Optional<Sensitivities> sensitivities, Map<String, MatrixShape> shapes) {
        this.modules = modules;
        this.sensitivities = sensitivities;
        this.shapes = shapes;
    }

    /** Those that were measured; their shapes are not known. */
    public static Matrices of(Sensitivities sensitivities) {
        return new Matrices(
                new LinkedHashSet<>(sensitivities.modules()), Optional.of(sensitivities), Collections.emptyMap());
    }

    /** Those of a model, by module, in its order; their sensitivities are not known. */
    public static Matrices of(Map<String, MatrixShape> shapes) {
        var copy = new LinkedHashMap<>(shapes);
        if (copy.isEmpty()) {
            throw new InputException("The model has no matrix that could get experts.");
        }
        return new Matrices(copy.keySet(), Optional.empty(), copy);
    }

    /**
     * The same with sensitivities.
     *
     * @throws InputException if they are another model's; names the first module that differs
     */
    public Matrices with(Sensitivities measured) {
        for (var module : measured.modules()) {
            if (!modules.contains(module)) {
                throw new InputException("The sensitivities are another model's: they name '" + module
                        + "', which is not among the " + modules.size() + " matrices here.");
            }
        }
        for (var module : modules) {
            if (!measured.modules().contains(module)) {
                throw new InputException("The sensitivities are another model's: they do not name '" + module
                        + "'; measure them again.");
            }
        }
        return new Matrices(modules, Optional.of(measured), shapes);
    }

    /** The modules, in order. */
    public List<String> modules() {
        return List.copyOf(modules);
    }

    /** Their shapes by module; empty where they are not known. */
    public Map<String, MatrixShape> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    /** @throws InputException if nothing was measured */
    public Sensitivities sensitivities() {
        return sensitivities.orElseThrow(() -> new InputException(
                "This rule goes by sensitivities, and none are known; measure them, or choose another rule."));
    }

    /** The shapes of {@code modules}. */
    List<MatrixShape> shapes(List<String> modules) {
        return modules.stream().map(module -> shape(shapes, module)).toList();
    }

    /** 0 for every module, in order: what rules start from. */
    Map<String, Integer> zeros() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        modules.forEach(module -> counts.put(module, 0));
        return counts;
    }

    /** @throws InputException if the shape of {@code module} is not known */
    static MatrixShape shape(Map<String, MatrixShape> shapes, String module) {
        var shape = shapes.get(module);
        if (shape == null) {
            throw new InputException("The shape of '" + module
                    + "' is not known, so its weights cannot be counted; give the model, or a budget in experts.");
        }
        return shape;
    }
}
