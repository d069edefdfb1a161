package dev.espalier.data.wordnet;

import java.util.List;
import java.util.stream.Stream;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;
import org.jspecify.annotations.Nullable;

/**
 * A set of words with one meaning.
 *
 * @param id the same synset has the same id in every copy of WordNet 3.1
 * @param field lexicographer field without its part of speech: {@code animal}
 * @param words lemmas, spaces between the parts of a compound, the most usual first
 * @param counts how often each word was met in this sense in tagged text
 * @param definition the gloss without its examples
 * @param frames sentence frames of a verb, of all its words or of some: {@code Somebody ----s something}
 */
record Synset(
        long id,
        POS pos,
        String field,
        List<String> words,
        List<Integer> counts,
        String definition,
        List<String> examples,
        List<Link> links,
        List<String> frames) {

    /** The first word, which stands for the synset. */
    String word() {
        return words.get(0);
    }

    /** Input of most tasks: {@code word: definition}. */
    String entry() {
        return word() + ": " + definition;
    }

    /** Whether a word was met in this sense in tagged text: then most people know it. */
    boolean common() {
        return counts.stream().anyMatch(count -> count > 0);
    }

    Stream<Link> links(PointerType type) {
        return links.stream().filter(link -> link.type() == type);
    }

    boolean has(PointerType type) {
        return links(type).findAny().isPresent();
    }

    /** Synsets are told apart by their ids; comparing their whole content would be slow. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Synset synset && synset.id == id;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }
}
