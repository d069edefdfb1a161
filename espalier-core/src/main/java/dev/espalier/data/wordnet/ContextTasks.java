package dev.espalier.data.wordnet;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.sf.extjwnl.data.POS;

/** What a word means where it stands, and which of four texts belongs to it. */
final class ContextTasks {
    private static final Map<String, String> SENSES = Labels.of(
            "one sense", "the word means the same in both phrases",
            "two senses", "the word means something else in each phrase");

    private static final List<String> LETTERS = List.of("a", "b", "c", "d");

    private static final Map<String, String> DEFINITION_PLACES = Labels.of(
            "a", "the first definition is right",
            "b", "the second definition is right",
            "c", "the third definition is right",
            "d", "the fourth definition is right");

    private static final Map<String, String> WORD_PLACES = Labels.of(
            "a", "the first word fills the gap",
            "b", "the second word fills the gap",
            "c", "the third word fills the gap",
            "d", "the fourth word fills the gap");

    private ContextTasks() {}

    static List<BuiltinTask> all() {
        return List.of(
                BuiltinTask.classification(
                        "word-in-context",
                        "a word and two phrases that have it: one sense or two?",
                        SENSES,
                        (sources, random) -> wordInContext(sources.wordNet(), random)),
                BuiltinTask.classification(
                        "definition-choice",
                        "a word and four definitions: which one is its own?",
                        DEFINITION_PLACES,
                        (sources, random) -> definitionChoice(sources.wordNet(), random)),
                BuiltinTask.classification(
                        "cloze-choice",
                        "a phrase with a gap and four words: which one was there?",
                        WORD_PLACES,
                        (sources, random) -> clozeChoice(sources.wordNet(), random)),
                BuiltinTask.classification(
                        "usage-class",
                        "a phrase with a verb marked: what kind of action is it?",
                        Labels.VERB_FIELDS,
                        (sources, random) -> usageClass(sources.wordNet())));
    }

    /** From each word at most one pair of phrases with one sense and one pair with two. */
    private static List<Row> wordInContext(WordNet wordNet, Random random) {
        Map<String, List<Usage>> byWord = new LinkedHashMap<>();
        wordNet.synsets().stream().flatMap(synset -> Usage.in(wordNet, synset)).forEach(usage -> byWord.computeIfAbsent(
                        usage.word() + "\n" + usage.synset().pos(), w -> new ArrayList<>())
                .add(usage));
        var rows = new ArrayList<Row>();
        byWord.values().forEach(usages -> {
            var shuffled = Draw.shuffled(usages, random);
            pair(shuffled, true).ifPresent(rows::add);
            pair(shuffled, false).ifPresent(rows::add);
        });
        return rows;
    }

    private static Optional<Row> pair(List<Usage> usages, boolean oneSense) {
        for (var first : usages) {
            for (var second : usages) {
                if (first != second && (first.synset().id() == second.synset().id()) == oneSense) {
                    var input = first.word() + ": " + first.example() + " | " + second.example();
                    return Optional.of(
                            Row.of(input, oneSense ? "one sense" : "two senses").inGroup(first.word()));
                }
            }
        }
        return Optional.empty();
    }

    private static List<Row> definitionChoice(WordNet wordNet, Random random) {
        return WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> {
                    var synsets = wordNet.synsets(pos).filter(Synset::common).toList();
                    return synsets.stream()
                            .flatMap(synset -> Draw.four(
                                    synset,
                                    synsets,
                                    other -> !other.words().contains(synset.word())
                                            && !other.definition().equals(synset.definition()),
                                    random)
                                    .map(four -> lettered(
                                            synset.word() + ":",
                                            four.stream()
                                                    .map(Synset::definition)
                                                    .toList(),
                                            four.indexOf(synset)))
                                    .stream());
                })
                .toList();
    }

    /** Examples with the word uninflected, so that its form does not tell it from the others. */
    private static List<Row> clozeChoice(WordNet wordNet, Random random) {
        return WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> {
                    var words = wordNet.synsets(pos)
                            .filter(Synset::common)
                            .map(Synset::word)
                            .filter(word -> !word.contains(" "))
                            .toList();
                    return wordNet.synsets(pos)
                            .flatMap(synset -> Usage.in(wordNet, synset))
                            .filter(usage -> usage.form().equals(usage.word()))
                            .flatMap(usage -> cloze(usage, words, random).stream());
                })
                .toList();
    }

    private static Optional<Row> cloze(Usage usage, List<String> words, Random random) {
        return Draw.four(usage.word(), words, other -> !usage.synset().words().contains(other), random)
                .map(four -> lettered(usage.with("___"), four, four.indexOf(usage.word())));
    }

    private static Row lettered(String question, List<String> four, int right) {
        var input = new StringBuilder(question);
        for (var i = 0; i < four.size(); i++) {
            input.append(" (").append(LETTERS.get(i)).append(") ").append(four.get(i));
        }
        return Row.of(input.toString(), LETTERS.get(right)).inGroup(question);
    }

    private static List<Row> usageClass(WordNet wordNet) {
        return wordNet.synsets(POS.VERB)
                .filter(synset -> Labels.VERB_FIELDS.containsKey(synset.field()))
                .flatMap(synset -> Usage.in(wordNet, synset))
                .map(usage -> Row.of(
                        usage.with("*" + usage.form() + "*"), usage.synset().field()))
                .toList();
    }
}
