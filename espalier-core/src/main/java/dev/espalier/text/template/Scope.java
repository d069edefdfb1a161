package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The variables that are seen from one place: its own and those around it. */
final class Scope {
    /** What one rendering keeps: where it is and what it has written. */
    static final class Run {
        private static final int DEEPEST = 100;

        final StringBuilder output = new StringBuilder();
        final List<Rendering.Span> generated = new ArrayList<>();
        int line;
        private int depth;

        void enter(String name) {
            if (++depth > DEEPEST) {
                throw new TemplateError("'" + name + "' calls itself more than " + DEEPEST + " times");
            }
        }

        void leave() {
            depth--;
        }
    }

    private final @Nullable Scope around;
    private final Run run;
    private final Map<String, Object> variables = new HashMap<>();

    private Scope(@Nullable Scope around, Run run) {
        this.around = around;
        this.run = run;
    }

    static Scope of(Run run, Map<String, Object> variables) {
        var scope = new Scope(null, run);
        scope.variables.putAll(variables);
        return scope;
    }

    Scope inner() {
        return new Scope(this, run);
    }

    Run run() {
        return run;
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }

    Object get(String name) {
        for (var scope = this; scope != null; scope = scope.around) {
            var value = scope.variables.get(name);
            if (value != null) {
                return value;
            }
        }
        return new Undefined("'" + name + "' is undefined");
    }
}
