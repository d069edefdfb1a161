package dev.espalier.text.template;

import java.util.AbstractList;
import java.util.List;

/** Several values in parentheses: a list, but not equal to one. */
final class Tuple extends AbstractList<Object> {
    private final List<Object> values;

    Tuple(List<Object> values) {
        this.values = List.copyOf(values);
    }

    static Tuple of(Object... values) {
        return new Tuple(List.of(values));
    }

    @Override
    public Object get(int index) {
        return values.get(index);
    }

    @Override
    public int size() {
        return values.size();
    }
}
