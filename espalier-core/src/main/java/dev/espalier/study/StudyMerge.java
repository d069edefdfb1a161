package dev.espalier.study;

import dev.espalier.error.InputException;
import dev.espalier.merge.MergeMethod;
import java.util.List;

/**
 * One way to merge.
 *
 * @param name in tables
 * @param method with its settings
 * @param lambdas factors of which the best on the validation rows of the merged adapters' tasks is taken, for each set of
 *     adapters; empty for the method's own
 */
public record StudyMerge(String name, MergeMethod method, List<Double> lambdas) {
    public StudyMerge {
        lambdas = List.copyOf(lambdas);
        for (var lambda : lambdas) {
            if (!Double.isFinite(lambda)) {
                throw new InputException("The merge '" + name + "' has a lambda of " + lambda + "; give numbers.");
            }
        }
    }

    /** The methods that one set of adapters is merged by before the best is known. */
    List<MergeMethod> candidates() {
        return lambdas.isEmpty()
                ? List.of(method)
                : lambdas.stream().map(method::withLambda).toList();
    }
}
