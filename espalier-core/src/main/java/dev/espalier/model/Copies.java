package dev.espalier.model;

import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import java.util.Set;
import java.util.function.Function;

/** The trained copies of one module by adapter, and which of them acts. */
final class Copies<M> {
    private final ByAdapter<M> copies = new ByAdapter<>();

    void attach(String adapter, M copy) {
        copies.attach(adapter, copy);
    }

    void detach(String adapter) {
        copies.detach(adapter);
    }

    Set<String> names() {
        return copies.values().keySet();
    }

    boolean isEmpty() {
        return copies.values().isEmpty();
    }

    /**
     * Runs the module or the copy that acts in its place, the last one of several; where adapters act on some sequences
     * only, both, and takes each token from its own.
     */
    Variable run(M own, ForwardContext context, Function<M, Variable> forward) {
        var attached = copies.values();
        if (attached.isEmpty()) {
            return forward.apply(own);
        }
        try (var scope = Scope.open()) {
            var acting = own;
            for (var copy : attached.entrySet()) {
                acting = context.selects(copy.getKey()) ? copy.getValue() : acting;
            }
            var result = forward.apply(acting);
            for (var copy : attached.entrySet()) {
                var tokens = context.selects(copy.getKey()) ? null : context.selected(copy.getKey());
                if (tokens != null) {
                    result = tokens.choose(result, forward.apply(copy.getValue()), context);
                }
            }
            scope.keep(result.value());
            return result;
        }
    }
}
