package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What has a value. */
sealed interface Expression {
    Object evaluate(Scope scope);

    /** A literal. */
    record Constant(Object value) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return value;
        }
    }

    /** A variable. */
    record Name(String name) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return scope.get(name);
        }
    }

    /** A list, or values in parentheses. */
    record Listed(List<Expression> entries, boolean tuple) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var values = new ArrayList<Object>();
            entries.forEach(entry -> values.add(entry.evaluate(scope)));
            return tuple ? new Tuple(values) : values;
        }
    }

    /** A map. */
    record Mapped(List<Map.Entry<Expression, Expression>> entries) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var map = new LinkedHashMap<Object, Object>();
            entries.forEach(entry ->
                    map.put(entry.getKey().evaluate(scope), entry.getValue().evaluate(scope)));
            return map;
        }
    }

    /** {@code + - * / // % **}. */
    record Arithmetic(String operator, Expression left, Expression right) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Operators.arithmetic(operator, left.evaluate(scope), right.evaluate(scope));
        }
    }

    /** A number with its sign changed. */
    record Negative(Expression value) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Operators.negative(value.evaluate(scope));
        }
    }

    /** {@code ~}: the texts of values, one after another. */
    record Concatenation(List<Expression> parts) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var text = new StringBuilder();
            parts.forEach(part -> text.append(PythonText.of(part.evaluate(scope))));
            return text.toString();
        }
    }

    /** {@code a < b <= c}: every neighbours compared, each evaluated once. */
    record Comparison(Expression first, List<Map.Entry<String, Expression>> others) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var left = first.evaluate(scope);
            for (var other : others) {
                var right = other.getValue().evaluate(scope);
                if (!Operators.compare(other.getKey(), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }
    }

    /** {@code and} and {@code or}: the value that decides. */
    record Junction(boolean all, Expression left, Expression right) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var value = left.evaluate(scope);
            return Values.truth(value) == all ? right.evaluate(scope) : value;
        }
    }

    /** {@code not}. */
    record Not(Expression value) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return !Values.truth(value.evaluate(scope));
        }
    }

    /** {@code a if test else b}. */
    record Conditional(Expression test, Expression yes, Expression no) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return (Values.truth(test.evaluate(scope)) ? yes : no).evaluate(scope);
        }
    }

    /** {@code value.name}. */
    record Attribute(Expression value, String name) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Attributes.attribute(value.evaluate(scope), name);
        }
    }

    /** {@code value[key]}. */
    record Item(Expression value, Expression key) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Attributes.item(value.evaluate(scope), key.evaluate(scope));
        }
    }

    /** {@code value[start:stop:step]}. */
    record Slice(Expression value, Expression start, Expression stop, Expression step) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Attributes.slice(
                    value.evaluate(scope), start.evaluate(scope), stop.evaluate(scope), step.evaluate(scope));
        }
    }

    /** What a call hands over. */
    record Given(List<Expression> places, Map<String, Expression> names) {
        Arguments evaluate(Scope scope) {
            var named = new HashMap<String, Object>();
            names.forEach((name, value) -> named.put(name, value.evaluate(scope)));
            return new Arguments(
                    places.stream().map(place -> place.evaluate(scope)).toList(), named);
        }
    }

    /** {@code value(arguments)}. */
    record Call(Expression function, Given given) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            var called = function.evaluate(scope);
            if (called instanceof Callable callable) {
                return callable.call(given.evaluate(scope));
            }
            throw called instanceof Undefined undefined
                    ? undefined.error()
                    : new TemplateError(Values.typeName(called) + " cannot be called");
        }
    }

    /** {@code value | filter(arguments)}. */
    record Filtered(Expression value, String filter, Given given) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Filters.ALL.call(filter, value.evaluate(scope), given.evaluate(scope));
        }
    }

    /** {@code value is test(arguments)}. */
    record Tested(Expression value, String test, Given given) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return Tests.holds(test, value.evaluate(scope), given.evaluate(scope));
        }
    }
}
