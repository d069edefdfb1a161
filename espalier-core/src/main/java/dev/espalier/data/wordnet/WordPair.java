package dev.espalier.data.wordnet;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;

/** Two words of one part of speech that stand in some relation. */
record WordPair(POS pos, String a, String b) {
    /** Every two words with opposite meanings, once. */
    static List<WordPair> antonyms(WordNet wordNet) {
        return wordNet.synsets().stream()
                .flatMap(synset -> of(wordNet, synset, PointerType.ANTONYM))
                .filter(pair -> pair.a().compareTo(pair.b()) < 0)
                .distinct()
                .toList();
    }

    /** The ends of a relation between single words. */
    static Stream<WordPair> of(WordNet wordNet, Synset from, PointerType type) {
        return from.links(type)
                .filter(link -> link.source() >= 0 && link.targetWord() >= 0)
                .map(link -> new WordPair(
                        from.pos(),
                        from.words().get(link.source()),
                        wordNet.synset(link.target()).words().get(link.targetWord())))
                .filter(pair -> !pair.isTrivial());
    }

    /** Irregular forms and their base forms. */
    static Stream<WordPair> irregular(WordNet wordNet, POS pos) {
        return wordNet.exceptions(pos).entrySet().stream()
                .map(form -> new WordPair(pos, form.getKey(), form.getValue().get(0)))
                .filter(pair -> !pair.isTrivial());
    }

    /** The first word of each synset with each of its other words, but for those that differ in case alone. */
    static Stream<WordPair> synonyms(Stream<Synset> synsets) {
        return synsets.flatMap(synset -> IntStream.range(1, synset.words().size())
                .mapToObj(i ->
                        new WordPair(synset.pos(), synset.word(), synset.words().get(i))));
    }

    /** The two ends of a relation between synsets: their first words, or others where these are spelled alike. */
    static Stream<WordPair> related(WordNet wordNet, Synset from, PointerType type) {
        return wordNet.targets(from, type).flatMap(to -> from.words().stream()
                .flatMap(a -> to.words().stream().map(b -> new WordPair(from.pos(), a, b)))
                .filter(pair -> !pair.isTrivial())
                .limit(1));
    }

    WordPair reversed() {
        return new WordPair(pos, b, a);
    }

    /** The same pair in a random order, for relations that have no direction. */
    WordPair turned(Random random) {
        return random.nextBoolean() ? this : reversed();
    }

    Row row(String between, String label) {
        return Row.ofPair(a, b, a + between + b, label);
    }

    /** Whether some synset has both words. */
    boolean sharesASynset(WordNet wordNet) {
        return wordNet.senses(a).stream().anyMatch(synset -> synset.words().contains(b));
    }

    private boolean isTrivial() {
        return a.equalsIgnoreCase(b);
    }
}
