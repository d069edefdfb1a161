package dev.espalier.adapter;

import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.MatrixShape;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import java.util.LinkedHashMap;
import java.util.Map;

/** The weight matrices of a model that experts can be allocated to: its linears, without heads and embeddings. */
public final class ModelMatrices {
    private ModelMatrices() {}

    /**
     * Those that {@code targets} select, with their shapes.
     *
     * @throws dev.espalier.error.InputException if that is none
     */
    public static Matrices of(LanguageModel model, TargetModules targets) {
        Map<String, MatrixShape> shapes = new LinkedHashMap<>();
        linears(model, targets)
                .forEach(
                        (path, linear) -> shapes.put(path, new MatrixShape(linear.outFeatures(), linear.inFeatures())));
        return Matrices.of(shapes);
    }

    /** The linears that {@code targets} select, by path, in forward order. */
    public static Map<String, Linear> linears(LanguageModel model, TargetModules targets) {
        Map<String, Linear> linears = new LinkedHashMap<>();
        targets.select(model).forEach((path, module) -> {
            if (module instanceof Linear linear) {
                linears.put(path, linear);
            }
        });
        return linears;
    }
}
