package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The labels of a task and their numbers. The order depends on the set of labels only: by number if all are whole
 * numbers, else by code point.
 */
public final class LabelSpace {
    private final List<String> names;
    private final Map<String, Integer> indices = new HashMap<>();

    private LabelSpace(List<String> names) {
        this.names = names;
        for (int index = 0; index < names.size(); index++) {
            indices.put(names.get(index), index);
        }
    }

    /** The space of these labels, in its own order. */
    public static LabelSpace of(Collection<String> labels) {
        var byText = Comparator.<String>naturalOrder();
        boolean numbers = labels.stream().allMatch(label -> label.matches("-?\\d{1,18}"));
        var order = numbers ? Comparator.<String>comparingLong(Long::parseLong).thenComparing(byText) : byText;
        return new LabelSpace(labels.stream().distinct().sorted(order).toList());
    }

    /** The space with these labels in this order, as a trained head has it. */
    public static LabelSpace inOrder(List<String> labels) {
        return new LabelSpace(labels.stream().distinct().toList());
    }

    /** The labels, in order. */
    public List<String> names() {
        return names;
    }

    /** The label with this number. */
    public String name(int index) {
        return names.get(index);
    }

    /** How many labels there are; 0 for a task that asks for a number. */
    public int size() {
        return names.size();
    }

    /** Whether there is such a label. */
    public boolean contains(String label) {
        return indices.containsKey(label);
    }

    /**
     * The number of a label.
     *
     * @throws InputException if the label is not in this space, with {@code origin} and the nearest label
     */
    public int index(String label, Origin origin) {
        var index = indices.get(label);
        if (index == null) {
            var near = Nearest.to(label, names, 1);
            throw new InputException(origin + ": label '" + label + "' is not among the " + names.size()
                    + " labels of the training split" + (near.isEmpty() ? "" : " (nearest: '" + near.get(0) + "')")
                    + "; correct it, or add rows with it to the training split.");
        }
        return index;
    }
}
