package dev.espalier.text.template;

import java.util.List;

/** Where {@code set} and {@code for} put values. */
sealed interface Assignment {
    void assign(Scope scope, Object value);

    /** A variable. */
    record ToName(String name) implements Assignment {
        @Override
        public void assign(Scope scope, Object value) {
            scope.set(name, value);
        }
    }

    /** A variable of a namespace. */
    record ToNamespace(String name, String attribute) implements Assignment {
        @Override
        public void assign(Scope scope, Object value) {
            if (!(scope.get(name) instanceof Namespace namespace)) {
                throw new TemplateError("'" + name + "." + attribute + "' is set, but '" + name + "' is no namespace");
            }
            namespace.set(attribute, value);
        }
    }

    /** Several of them, from a sequence of as many values. */
    record ToSeveral(List<Assignment> targets) implements Assignment {
        @Override
        public void assign(Scope scope, Object value) {
            var values = Values.iterate(value);
            if (values.size() != targets.size()) {
                throw new TemplateError(values.size() + " values cannot be set to " + targets.size() + " names");
            }
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).assign(scope, values.get(i));
            }
        }
    }
}
