package dev.espalier.data;

import dev.espalier.text.Message;
import java.util.List;

/** What a model should answer. */
public sealed interface Target {
    /** Not known: the input of a prediction. */
    record None() implements Target {}

    /** One label of the label space. */
    record Label(String label) implements Target {}

    /** Any number of labels, none included. */
    record Labels(List<String> labels) implements Target {
        public Labels {
            labels = List.copyOf(labels);
        }
    }

    /** A number. */
    record Value(double value) implements Target {}

    /** A label for each word of an {@link Input.Words}. */
    record WordLabels(List<String> labels) implements Target {
        public WordLabels {
            labels = List.copyOf(labels);
        }
    }

    /** What follows the input: the assistant's turn. */
    record Response(Message message) implements Target {}

    /**
     * The right one of several texts: those that could follow the input, or an {@link Input.Choice}'s candidates.
     *
     * @param right its place in {@code candidates}
     */
    record Choice(int right, List<String> candidates) implements Target {
        public Choice {
            candidates = List.copyOf(candidates);
        }
    }

    /** The input itself, token by token. */
    record Itself() implements Target {}

    /** The names of labels in this target; none for a number or a text. */
    default List<String> names() {
        if (this instanceof Label one) {
            return List.of(one.label());
        }
        if (this instanceof Labels several) {
            return several.labels();
        }
        return this instanceof WordLabels words ? words.labels() : List.of();
    }
}
