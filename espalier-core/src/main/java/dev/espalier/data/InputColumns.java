package dev.espalier.data;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The columns that hold what a model reads.
 *
 * @param first the text, or the words
 * @param second the second text, if there are two
 * @param words whether the input is words
 */
record InputColumns(String first, @Nullable String second, boolean words) {
    static final List<String> TEXT = List.of("input", "text", "sentence", "sentence1");
    static final List<String> TEXT_PAIR = List.of("text_pair", "sentence2");
    static final List<String> WORDS = List.of("words", "tokens");

    static InputColumns find(ColumnNames names, Columns given, boolean words) {
        if (words) {
            return new InputColumns(names.need("words", given.words(), WORDS), null, true);
        }
        return new InputColumns(
                names.need("text", given.text(), TEXT),
                names.find("text-pair", given.textPair(), TEXT_PAIR).orElse(null),
                false);
    }

    Stream<String> columns() {
        return Stream.of(first, second).flatMap(Stream::ofNullable);
    }

    Input input(Row row) {
        if (words) {
            var list = row.list(first, " ");
            if (list.isEmpty()) {
                throw row.wrong(first, "has no words");
            }
            return new Input.Words(list);
        }
        return second == null ? new Input.Text(row.text(first)) : new Input.Pair(row.text(first), row.text(second));
    }
}
