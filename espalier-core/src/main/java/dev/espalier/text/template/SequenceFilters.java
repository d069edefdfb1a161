package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** The filters of lists, maps and other sequences. */
final class SequenceFilters {
    private SequenceFilters() {}

    static Functions addTo(Functions filters) {
        return filters.with("dictsort", SequenceFilters::dictSort, "case_sensitive", "by", "reverse")
                .with("first", (value, a) -> end(Values.iterate(value), 0))
                .with("join", SequenceFilters::join, "d", "attribute")
                .with("last", (value, a) -> end(Values.iterate(value), -1))
                .with("length", (value, a) -> Values.length(value))
                .with("list", (value, a) -> new ArrayList<>(Values.iterate(value)))
                .with("map", SequenceFilters::map, "filter", "first", "second", "third", "attribute", "default")
                .with("max", (value, a) -> extreme(value, a, -1), "case_sensitive", "attribute")
                .with("min", (value, a) -> extreme(value, a, 1), "case_sensitive", "attribute")
                .with("reject", (value, a) -> select(value, a, false), "test", "other")
                .with("rejectattr", (value, a) -> selectByAttribute(value, a, false), "attribute", "test", "other")
                .with("reverse", (value, a) -> reverse(value))
                .with("select", (value, a) -> select(value, a, true), "test", "other")
                .with("selectattr", (value, a) -> selectByAttribute(value, a, true), "attribute", "test", "other")
                .with("sort", SequenceFilters::sort, "reverse", "case_sensitive", "attribute")
                .with("sum", SequenceFilters::sum, "attribute", "start")
                .with("unique", SequenceFilters::unique, "case_sensitive", "attribute")
                .alias("count", "length");
    }

    private static Object end(List<Object> items, int place) {
        return items.isEmpty()
                ? new Undefined("an empty sequence has no first and no last item")
                : items.get(place < 0 ? items.size() - 1 : place);
    }

    private static Object reverse(Object value) {
        if (value instanceof String text) {
            return new StringBuilder(text).reverse().toString();
        }
        var reversed = new ArrayList<>(Values.iterate(value));
        Collections.reverse(reversed);
        return reversed;
    }

    private static Object join(Object value, Arguments.Bound arguments) {
        var part = attribute(arguments);
        return String.join(
                PythonText.of(arguments.get("d", "")),
                Values.iterate(value).stream()
                        .map(entry -> PythonText.of(part.apply(entry)))
                        .toList());
    }

    private static Object map(Object value, Arguments.Bound arguments) {
        UnaryOperator<Object> change;
        if (arguments.has("filter")) {
            var filter = arguments.text("filter");
            var rest = arguments.rest("first", "second", "third");
            change = entry -> Filters.ALL.call(filter, entry, rest);
        } else {
            var part = path(arguments.need("attribute"));
            change = entry -> {
                var found = part.apply(entry);
                return found instanceof Undefined ? arguments.get("default", found) : found;
            };
        }
        return new ArrayList<>(Values.iterate(value).stream().map(change).toList());
    }

    private static Object select(Object value, Arguments.Bound arguments, boolean wanted) {
        return filter(value, test(arguments), wanted);
    }

    private static Object selectByAttribute(Object value, Arguments.Bound arguments, boolean wanted) {
        var part = path(arguments.need("attribute"));
        var test = test(arguments);
        return filter(value, entry -> test.test(part.apply(entry)), wanted);
    }

    private static Object filter(Object value, Predicate<Object> test, boolean wanted) {
        return new ArrayList<>(Values.iterate(value).stream()
                .filter(entry -> test.test(entry) == wanted)
                .toList());
    }

    private static Predicate<Object> test(Arguments.Bound arguments) {
        if (!arguments.has("test")) {
            return Values::truth;
        }
        var name = arguments.text("test");
        var rest = arguments.rest("other");
        return entry -> Tests.holds(name, entry, rest);
    }

    private static Object sort(Object value, Arguments.Bound arguments) {
        var sorted = new ArrayList<>(Values.iterate(value));
        var order = order(arguments, attribute(arguments));
        sorted.sort(arguments.flag("reverse", false) ? Collections.reverseOrder(order) : order);
        return sorted;
    }

    private static Object unique(Object value, Arguments.Bound arguments) {
        var key = caseless(arguments, attribute(arguments));
        var seen = new ArrayList<Object>();
        var kept = new ArrayList<Object>();
        for (var entry : Values.iterate(value)) {
            var one = key.apply(entry);
            if (seen.stream().noneMatch(before -> Operators.equal(before, one))) {
                seen.add(one);
                kept.add(entry);
            }
        }
        return kept;
    }

    private static Object dictSort(Object value, Arguments.Bound arguments) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateError("'dictsort' expects a dict, found " + Values.typeName(value));
        }
        int place = arguments.text("by", "key").equals("value") ? 1 : 0;
        var sorted = new ArrayList<>(Attributes.pairs(map));
        var order = order(arguments, pair -> ((Tuple) pair).get(place));
        sorted.sort(arguments.flag("reverse", false) ? Collections.reverseOrder(order) : order);
        return sorted;
    }

    private static Object extreme(Object value, Arguments.Bound arguments, int sign) {
        var order = order(arguments, attribute(arguments));
        Optional<Object> found = Values.iterate(value).stream()
                .reduce((best, entry) -> sign * order.compare(entry, best) < 0 ? entry : best);
        return found.orElseGet(() -> new Undefined("an empty sequence has no least and no greatest item"));
    }

    private static Object sum(Object value, Arguments.Bound arguments) {
        var part = attribute(arguments);
        return Values.iterate(value).stream()
                .map(part)
                .reduce(arguments.get("start", 0L), (sum, entry) -> Operators.arithmetic("+", sum, entry));
    }

    private static Comparator<Object> order(Arguments.Bound arguments, UnaryOperator<Object> part) {
        var key = caseless(arguments, part);
        return (left, right) -> Operators.order(key.apply(left), key.apply(right));
    }

    private static UnaryOperator<Object> caseless(Arguments.Bound arguments, UnaryOperator<Object> part) {
        boolean sensitive = arguments.flag("case_sensitive", false);
        return entry -> part.apply(entry) instanceof String text && !sensitive
                ? text.toLowerCase(Locale.ROOT)
                : part.apply(entry);
    }

    private static UnaryOperator<Object> attribute(Arguments.Bound arguments) {
        return arguments.has("attribute") ? path(arguments.need("attribute")) : entry -> entry;
    }

    /** {@code a.b.0}: an attribute of an attribute. */
    private static UnaryOperator<Object> path(Object given) {
        var steps = PythonText.of(given).split("\\.");
        return entry -> {
            var found = entry;
            for (var step : steps) {
                found = Attributes.item(found, step.matches("\\d{1,9}") ? (Object) Long.valueOf(step) : step);
            }
            return found;
        };
    }
}
