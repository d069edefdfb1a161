package dev.espalier.data.wordnet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.sf.extjwnl.JWNLException;
import net.sf.extjwnl.data.Exc;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.Pointer;
import net.sf.extjwnl.data.PointerType;
import net.sf.extjwnl.data.Verb;
import net.sf.extjwnl.data.Word;
import net.sf.extjwnl.dictionary.Dictionary;

/**
 * WordNet 3.1 in memory, in the order of its files: nouns, verbs, adjectives, adverbs. Loading takes about two seconds;
 * nothing is kept between two builds of a task.
 */
final class WordNet {
    static final List<POS> PARTS_OF_SPEECH = List.of(POS.NOUN, POS.VERB, POS.ADJECTIVE, POS.ADVERB);

    /** A gloss is a definition and then quoted examples; quotes within a definition follow neither mark. */
    private static final Pattern FIRST_EXAMPLE = Pattern.compile("[;:]\\s*\"");

    private static final Pattern EXAMPLE = Pattern.compile("\"([^\"]+)\"");

    private static final Pattern LOOSE_END = Pattern.compile("[;:,\\s]+$");

    private static final Pattern SPACES = Pattern.compile("\\s+");

    private final List<Synset> synsets = new ArrayList<>();
    private final Map<Long, Synset> byId = new HashMap<>();
    private final Map<String, List<Synset>> byWord = new HashMap<>();
    private final Map<POS, Map<String, List<String>>> exceptions = new HashMap<>();

    private final Dictionary dictionary;

    private WordNet(Dictionary dictionary) {
        this.dictionary = dictionary;
    }

    static WordNet load() {
        try {
            var dictionary = Dictionary.getDefaultResourceInstance();
            var wordNet = new WordNet(dictionary);
            var counts = SenseCounts.load();
            for (var pos : PARTS_OF_SPEECH) {
                dictionary.getSynsetIterator(pos).forEachRemaining(synset -> wordNet.add(synset, counts));
                wordNet.exceptions.put(pos, exceptions(dictionary, pos));
            }
            return wordNet;
        } catch (JWNLException e) {
            throw unreadable(e);
        }
    }

    List<Synset> synsets() {
        return Collections.unmodifiableList(synsets);
    }

    Stream<Synset> synsets(POS pos) {
        return synsets.stream().filter(synset -> synset.pos() == pos);
    }

    Synset synset(long id) {
        return Objects.requireNonNull(byId.get(id), () -> "no synset " + id);
    }

    /** Synsets at the other end of the relation. */
    Stream<Synset> targets(Synset from, PointerType type) {
        return from.links(type).map(link -> synset(link.target()));
    }

    /** Every synset with this word (case counts), of any part of speech. */
    List<Synset> senses(String word) {
        return byWord.getOrDefault(word, List.of());
    }

    /** Irregular forms and their base forms, sorted: {@code went -> [go]}. */
    Map<String, List<String>> exceptions(POS pos) {
        return Objects.requireNonNull(exceptions.get(pos));
    }

    /** Whether {@code token}, in lower case, is an inflected form of the lemma or the lemma itself. */
    boolean isForm(String token, String lemma, POS pos) {
        if (token.equals(lemma)) {
            return true;
        }
        // Only irregular forms begin with another letter; looking every token up would take most of the time.
        if (token.charAt(0) != lemma.charAt(0) && !exceptions(pos).containsKey(token)) {
            return false;
        }
        try {
            return dictionary
                    .getMorphologicalProcessor()
                    .lookupAllBaseForms(pos, token)
                    .contains(lemma);
        } catch (JWNLException e) {
            throw unreadable(e);
        }
    }

    private void add(net.sf.extjwnl.data.Synset from, SenseCounts counts) {
        var gloss = SPACES.matcher(from.getGloss().strip()).replaceAll(" ");
        var cut = FIRST_EXAMPLE.matcher(gloss);
        var end = cut.find() ? cut.start() : gloss.length();
        var synset = new Synset(
                id(from.getPOS(), from.getOffset()),
                from.getPOS(),
                from.getLexFileName().substring(from.getLexFileName().indexOf('.') + 1),
                from.getWords().stream().map(Word::getLemma).toList(),
                from.getWords().stream()
                        .map(word -> counts.of(from.getPOS(), from.getOffset(), word.getLemma()))
                        .toList(),
                LOOSE_END.matcher(gloss.substring(0, end)).replaceFirst(""),
                EXAMPLE.matcher(gloss.substring(end))
                        .results()
                        .map(quoted -> quoted.group(1).strip())
                        .toList(),
                from.getPointers().stream().map(WordNet::link).toList(),
                frames(from));
        synsets.add(synset);
        byId.put(synset.id(), synset);
        synset.words().forEach(word -> byWord.computeIfAbsent(word, w -> new ArrayList<>(2))
                .add(synset));
    }

    private static Link link(Pointer pointer) {
        try {
            return new Link(
                    pointer.getType(),
                    pointer.getSourceIndex() - 1,
                    id(pointer.getTargetPOS(), pointer.getTargetOffset()),
                    pointer.getTargetIndex() - 1);
        } catch (JWNLException e) {
            throw unreadable(e);
        }
    }

    private static List<String> frames(net.sf.extjwnl.data.Synset synset) {
        if (synset.getPOS() != POS.VERB) {
            return List.of();
        }
        var ofWords = synset.getWords().stream()
                .filter(Verb.class::isInstance)
                .flatMap(word -> Arrays.stream(((Verb) word).getVerbFrames()));
        return Stream.concat(Arrays.stream(synset.getVerbFrames()), ofWords)
                .distinct()
                .sorted()
                .toList();
    }

    private static IllegalStateException unreadable(JWNLException e) {
        return new IllegalStateException("WordNet's own files could not be read", e);
    }

    private static long id(POS pos, long offset) {
        return offset * POS.values().length + pos.ordinal();
    }

    private static Map<String, List<String>> exceptions(Dictionary dictionary, POS pos) throws JWNLException {
        List<Exc> all = new ArrayList<>();
        dictionary.getExceptionIterator(pos).forEachRemaining(all::add);
        all.sort(Comparator.comparing(Exc::getLemma));
        Map<String, List<String>> forms = new LinkedHashMap<>();
        all.forEach(form -> forms.put(form.getLemma(), List.copyOf(form.getExceptions())));
        return forms;
    }
}
