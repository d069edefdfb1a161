package dev.espalier.data.wordnet;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.Stream;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;

/** A text and four candidates, one of which is right. The input is the beginning of a sentence that it completes. */
final class ChoiceTasks {
    private ChoiceTasks() {}

    static List<BuiltinTask> all() {
        return List.of(
                BuiltinTask.choice(
                        "hypernym-choice",
                        "which of four words is this a kind of?",
                        (sources, random) -> hypernyms(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "antonym-choice",
                        "which of four words is the opposite?",
                        (sources, random) -> antonyms(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "lemma-choice",
                        "which of four words is the base form?",
                        (sources, random) -> lemmas(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "definition-of",
                        "which of four words does this define?",
                        (sources, random) -> definitions(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "part-choice",
                        "which of four things is a part of this?",
                        (sources, random) -> parts(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "domain-choice",
                        "which of four subjects does this entry belong to?",
                        (sources, random) -> domains(sources.wordNet(), random)),
                BuiltinTask.choice(
                        "pertainym-choice",
                        "which of four nouns does this adjective come from?",
                        (sources, random) -> pertainyms(sources.wordNet(), random)));
    }

    private static List<Row> hypernyms(WordNet wordNet, Random random) {
        var pairs = wordNet.synsets(POS.NOUN)
                .filter(Synset::common)
                .flatMap(synset -> WordPair.related(wordNet, synset, PointerType.HYPERNYM))
                .toList();
        var kinds = new Kinds(wordNet);
        return completions(pairs, a -> a + " is a kind of", (a, b) -> !kinds.include(a, b), random);
    }

    private static List<Row> antonyms(WordNet wordNet, Random random) {
        var pairs = WordPair.antonyms(wordNet).stream()
                .flatMap(pair -> Stream.of(pair, pair.reversed()))
                .toList();
        return byPartOfSpeech(
                pairs, of -> completions(of, a -> "the opposite of " + a + " is", (a, b) -> true, random));
    }

    /** The wrong ones begin with the same letter, as most base forms do. */
    private static List<Row> lemmas(WordNet wordNet, Random random) {
        var pairs = WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> WordPair.irregular(wordNet, pos))
                .toList();
        return byPartOfSpeech(pairs, of -> completions(of, a -> a + " is a form of", ChoiceTasks::sameInitial, random))
                .stream()
                .map(row -> row.inGroup(row.output()))
                .toList();
    }

    private static List<Row> definitions(WordNet wordNet, Random random) {
        return WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> {
                    var synsets = wordNet.synsets(pos).filter(Synset::common).toList();
                    var words = synsets.stream().map(Synset::word).toList();
                    return synsets.stream()
                            .flatMap(synset -> Draw.four(
                                    synset.word(),
                                    words,
                                    other -> !synset.words().contains(other),
                                    random)
                                    .map(four -> Row.of(synset.definition(), synset.word())
                                            .choosingFrom(four))
                                    .stream());
                })
                .toList();
    }

    private static List<Row> parts(WordNet wordNet, Random random) {
        var pairs = wordNet.synsets(POS.NOUN)
                .flatMap(synset -> WordPair.related(wordNet, synset, PointerType.PART_MERONYM))
                .toList();
        return completions(pairs, a -> "a part of " + a + " is", (a, b) -> true, random);
    }

    private static List<Row> domains(WordNet wordNet, Random random) {
        var entries = wordNet.synsets().stream()
                .filter(synset -> synset.has(PointerType.CATEGORY))
                .toList();
        Function<Synset, List<String>> topics = synset ->
                wordNet.targets(synset, PointerType.CATEGORY).map(Synset::word).toList();
        var all = entries.stream()
                .flatMap(entry -> topics.apply(entry).stream())
                .distinct()
                .toList();
        return entries.stream()
                .flatMap(entry -> {
                    var own = topics.apply(entry);
                    return Draw.four(own.get(0), all, other -> !own.contains(other), random)
                            .map(four -> Row.of(EntryTasks.withoutBracket(entry), own.get(0))
                                    .choosingFrom(four))
                            .stream();
                })
                .toList();
    }

    private static List<Row> pertainyms(WordNet wordNet, Random random) {
        var pairs = wordNet.synsets(POS.ADJECTIVE)
                .flatMap(synset -> WordPair.of(wordNet, synset, PointerType.PERTAINYM))
                .toList();
        return completions(pairs, a -> a + " pertains to", ChoiceTasks::sameInitial, random);
    }

    private static boolean sameInitial(String a, String b) {
        return Character.toLowerCase(a.charAt(0)) == Character.toLowerCase(b.charAt(0));
    }

    /** Candidates share their part of speech with the right one. */
    private static List<Row> byPartOfSpeech(List<WordPair> pairs, Function<List<WordPair>, List<Row>> rows) {
        return WordNet.PARTS_OF_SPEECH.stream()
                .flatMap(pos -> rows
                        .apply(pairs.stream().filter(pair -> pair.pos() == pos).toList())
                        .stream())
                .toList();
    }

    /**
     * One row of each pair: the beginning of a sentence made from its first word, which the second completes. Wrong ones
     * are other pairs' second words that {@code mayBeOffered} with the first word and complete none of its pairs.
     */
    private static List<Row> completions(
            List<WordPair> pairs,
            Function<String, String> beginning,
            BiPredicate<String, String> mayBeOffered,
            Random random) {
        Map<String, Set<String>> right = new HashMap<>();
        pairs.forEach(
                pair -> right.computeIfAbsent(pair.a(), a -> new HashSet<>()).add(pair.b()));
        var seconds = pairs.stream().map(WordPair::b).toList();
        return pairs.stream()
                .flatMap(pair -> Draw.four(
                        pair.b(),
                        seconds,
                        other -> !other.equals(pair.a())
                                && !right.getOrDefault(pair.a(), Set.of()).contains(other)
                                && mayBeOffered.test(pair.a(), other),
                        random)
                        .map(four -> Row.ofPair(pair.a(), pair.b(), beginning.apply(pair.a()), pair.b())
                                .choosingFrom(four))
                        .stream())
                .toList();
    }
}
