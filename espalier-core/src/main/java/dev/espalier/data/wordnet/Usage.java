package dev.espalier.data.wordnet;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A word in one of its synset's examples, as it is there or inflected.
 *
 * @param start place of its first character in the example
 * @param end place behind its last one
 */
record Usage(Synset synset, String word, String example, int start, int end) {
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z][A-Za-z'-]*");

    /** The first of the synset's words that each example has; words of several parts are passed over. */
    static Stream<Usage> in(WordNet wordNet, Synset synset) {
        return synset.examples().stream().flatMap(example -> synset.words().stream()
                .flatMap(word -> find(wordNet, synset, word, example).stream())
                .limit(1));
    }

    private static Optional<Usage> find(WordNet wordNet, Synset synset, String word, String example) {
        if (!TOKEN.matcher(word).matches()) {
            return Optional.empty();
        }
        var lemma = word.toLowerCase(Locale.ROOT);
        return TOKEN.matcher(example)
                .results()
                .filter(token -> wordNet.isForm(token.group().toLowerCase(Locale.ROOT), lemma, synset.pos()))
                .findFirst()
                .map(token -> new Usage(synset, word, example, token.start(), token.end()));
    }

    /** The word as the example has it. */
    String form() {
        return example.substring(start, end);
    }

    /** The example with {@code other} in the word's place. */
    String with(String other) {
        return example.substring(0, start) + other + example.substring(end);
    }
}
