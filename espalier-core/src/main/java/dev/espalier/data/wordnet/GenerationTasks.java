package dev.espalier.data.wordnet;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;

/** A text to write. */
final class GenerationTasks {
    private GenerationTasks() {}

    static List<BuiltinTask> all() {
        return List.of(
                BuiltinTask.generation(
                        "hypernym",
                        "a noun and its definition: write what it is a kind of",
                        (sources, random) -> hypernyms(sources.wordNet())),
                BuiltinTask.generation(
                        "reverse-dictionary",
                        "a definition: write the word",
                        (sources, random) -> sources.wordNet().synsets().stream()
                                .filter(Synset::common)
                                .map(synset -> Row.of(synset.definition(), synset.word()))
                                .toList()),
                BuiltinTask.generation(
                        "define",
                        "a word and its part of speech: write the definition of its most usual sense",
                        (sources, random) -> definitions(sources.wordNet())),
                BuiltinTask.generation(
                        "lemma",
                        "an irregular form and its part of speech: write the base form",
                        (sources, random) -> lemmas(sources.wordNet())),
                BuiltinTask.generation(
                        "antonym",
                        "a word and its definition: write the opposite",
                        (sources, random) -> antonyms(sources.wordNet())));
    }

    private static List<Row> hypernyms(WordNet wordNet) {
        return wordNet.synsets(POS.NOUN)
                .flatMap(synset -> wordNet.targets(synset, PointerType.HYPERNYM)
                        .limit(1)
                        .map(above -> Row.of(synset.entry(), above.word())))
                .toList();
    }

    private static List<Row> definitions(WordNet wordNet) {
        record Sense(String key, String definition, int count) {}
        Map<String, Sense> usual = new HashMap<>();
        wordNet.synsets().stream()
                .filter(Synset::common)
                .map(synset -> new Sense(
                        withPartOfSpeech(synset.word(), synset.pos()),
                        synset.definition(),
                        synset.counts().get(0)))
                .forEach(sense -> usual.merge(sense.key(), sense, (a, b) -> b.count() > a.count() ? b : a));
        return usual.values().stream()
                .sorted(Comparator.comparing(Sense::key))
                .map(sense -> Row.of(sense.key(), sense.definition()))
                .toList();
    }

    private static List<Row> lemmas(WordNet wordNet) {
        return WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> WordPair.irregular(wordNet, pos))
                .map(pair ->
                        Row.of(withPartOfSpeech(pair.a(), pair.pos()), pair.b()).inGroup(pair.b()))
                .toList();
    }

    private static List<Row> antonyms(WordNet wordNet) {
        return wordNet.synsets().stream()
                .flatMap(synset -> WordPair.of(wordNet, synset, PointerType.ANTONYM)
                        .map(pair -> Row.ofPair(pair.a(), pair.b(), pair.a() + ": " + synset.definition(), pair.b())))
                .toList();
    }

    private static String withPartOfSpeech(String word, POS pos) {
        return word + " (" + pos.getLabel() + ")";
    }
}
