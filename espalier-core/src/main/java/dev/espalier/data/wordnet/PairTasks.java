package dev.espalier.data.wordnet;

import static net.sf.extjwnl.data.PointerType.CAUSE;
import static net.sf.extjwnl.data.PointerType.ENTAILMENT;
import static net.sf.extjwnl.data.PointerType.HYPERNYM;
import static net.sf.extjwnl.data.PointerType.MEMBER_MERONYM;
import static net.sf.extjwnl.data.PointerType.PART_MERONYM;
import static net.sf.extjwnl.data.PointerType.SUBSTANCE_MERONYM;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;

/** How two words are related. */
final class PairTasks {
    private static final Map<String, String> SYNONYM =
            Labels.of("synonym", "both words can mean the same", "other", "the words do not mean the same");

    private static final Map<String, String> ANTONYM_OR_SYNONYM =
            Labels.of("antonym", "the words mean opposite things", "synonym", "the words mean the same");

    private static final Map<String, String> IS_A =
            Labels.of("yes", "the first is a kind of the second", "no", "the first is not a kind of the second");

    private static final Map<String, String> RELATIONS = Labels.of(
            "kind of", "the first is a kind of the second",
            "has part", "the second is a part of the first",
            "has member", "the second belongs to the first, which is a group",
            "opposite of", "the two are opposites",
            "same as", "the two mean the same");

    private static final int ROWS_PER_RELATION = 900;

    private static final Map<String, String> MERONYMS = Labels.of(
            "part", "the second is a piece or place within the first",
            "member", "the second is one of the things or people that make up the first as a group",
            "substance", "the second is a material that the first is made of");

    private static final Map<String, String> ENTAILS_OR_CAUSES = Labels.of(
            "entails", "whoever does the first also does the second",
            "causes", "the first makes the second happen");

    private PairTasks() {}

    static List<BuiltinTask> all() {
        return List.of(
                BuiltinTask.classification(
                        "synonym",
                        "two words: do they mean the same?",
                        SYNONYM,
                        (sources, random) -> synonyms(sources.wordNet(), random)),
                BuiltinTask.classification(
                        "antonym-or-synonym",
                        "two words: opposites, or the same?",
                        ANTONYM_OR_SYNONYM,
                        (sources, random) -> antonymsAndSynonyms(sources.wordNet(), random)),
                BuiltinTask.classification(
                        "is-a",
                        "two words: is the first a kind of the second?",
                        IS_A,
                        (sources, random) -> kinds(sources.wordNet(), random)),
                BuiltinTask.classification(
                                "relation",
                                "two words: which relation leads from the first to the second?",
                                RELATIONS,
                                (sources, random) -> relations(sources.wordNet(), random))
                        .withRowsPerLabel(ROWS_PER_RELATION),
                BuiltinTask.classification(
                        "part-member-substance",
                        "a whole and what belongs to it: in which way?",
                        MERONYMS,
                        (sources, random) -> meronyms(sources.wordNet())),
                BuiltinTask.classification(
                        "entails-or-causes",
                        "two verbs: does the first entail the second or cause it?",
                        ENTAILS_OR_CAUSES,
                        (sources, random) -> consequences(sources.wordNet())));
    }

    /** As many antonyms as random pairs among those that are no synonyms. */
    private static List<Row> synonyms(WordNet wordNet, Random random) {
        var common = wordNet.synsets().stream().filter(Synset::common).toList();
        var rows = new ArrayList<Row>();
        WordPair.synonyms(common.stream())
                .forEach(pair -> rows.add(pair.turned(random).row(" | ", "synonym")));
        var words = common.stream().collect(Collectors.groupingBy(Synset::pos));
        for (var antonyms : WordPair.antonyms(wordNet)) {
            if (isCommon(wordNet, antonyms.a()) && isCommon(wordNet, antonyms.b())) {
                rows.add(antonyms.turned(random).row(" | ", "other"));
                var samePos = words.getOrDefault(antonyms.pos(), common);
                Draw.fitting(
                                samePos,
                                other -> !new WordPair(antonyms.pos(), antonyms.a(), other.word())
                                        .sharesASynset(wordNet),
                                random)
                        .ifPresent(other -> rows.add(new WordPair(antonyms.pos(), antonyms.a(), other.word())
                                .turned(random)
                                .row(" | ", "other")));
            }
        }
        return rows;
    }

    private static boolean isCommon(WordNet wordNet, String word) {
        return wordNet.senses(word).stream().anyMatch(Synset::common);
    }

    /** As many synonyms as antonyms of each part of speech, so that it does not give the answer away. */
    private static List<Row> antonymsAndSynonyms(WordNet wordNet, Random random) {
        var antonyms = WordPair.antonyms(wordNet).stream().collect(Collectors.groupingBy(WordPair::pos));
        var rows = new ArrayList<Row>();
        for (var pos : WordNet.PARTS_OF_SPEECH) {
            var opposite = antonyms.getOrDefault(pos, List.of());
            var same = WordPair.synonyms(wordNet.synsets(pos)).toList();
            opposite.forEach(pair -> rows.add(pair.turned(random).row(" | ", "antonym")));
            Draw.some(same, opposite.size(), random)
                    .forEach(pair -> rows.add(pair.turned(random).row(" | ", "synonym")));
        }
        return rows;
    }

    /** As many questions with "no" as with "yes": by turns the pair reversed, and the kind with a stranger. */
    private static List<Row> kinds(WordNet wordNet, Random random) {
        var pairs = wordNet.synsets(POS.NOUN)
                .filter(Synset::common)
                .flatMap(synset -> WordPair.related(wordNet, synset, HYPERNYM))
                .toList();
        var kinds = new Kinds(wordNet);
        var rows = new ArrayList<Row>();
        for (var pair : pairs) {
            rows.add(isA(pair, "yes"));
            if (random.nextBoolean()) {
                Stream.of(pair.reversed())
                        .filter(reversed -> !kinds.include(reversed.a(), reversed.b()))
                        .forEach(reversed -> rows.add(isA(reversed, "no")));
            } else {
                Draw.fitting(pairs, other -> !kinds.include(pair.a(), other.b()), random)
                        .ifPresent(other -> rows.add(isA(new WordPair(pair.pos(), pair.a(), other.b()), "no")));
            }
        }
        return rows;
    }

    private static Row isA(WordPair pair, String label) {
        return Row.ofPair(pair.a(), pair.b(), "Is " + pair.a() + " a kind of " + pair.b() + "?", label);
    }

    private static List<Row> relations(WordNet wordNet, Random random) {
        var rows = new ArrayList<Row>();
        for (var synset : wordNet.synsets()) {
            rows.addAll(directed(wordNet, synset, HYPERNYM, "kind of"));
            rows.addAll(directed(wordNet, synset, PART_MERONYM, "has part"));
            rows.addAll(directed(wordNet, synset, MEMBER_MERONYM, "has member"));
        }
        WordPair.antonyms(wordNet).forEach(pair -> rows.add(pair.turned(random).row(" -> ", "opposite of")));
        WordPair.synonyms(wordNet.synsets().stream())
                .forEach(pair -> rows.add(pair.turned(random).row(" -> ", "same as")));
        return unambiguous(rows);
    }

    private static List<Row> meronyms(WordNet wordNet) {
        return unambiguous(wordNet.synsets(POS.NOUN)
                .flatMap(synset -> Stream.of(
                                directed(wordNet, synset, PART_MERONYM, "part"),
                                directed(wordNet, synset, MEMBER_MERONYM, "member"),
                                directed(wordNet, synset, SUBSTANCE_MERONYM, "substance"))
                        .flatMap(List::stream))
                .toList());
    }

    private static List<Row> consequences(WordNet wordNet) {
        return unambiguous(wordNet.synsets(POS.VERB)
                .flatMap(synset -> Stream.of(
                                directed(wordNet, synset, ENTAILMENT, "entails"),
                                directed(wordNet, synset, CAUSE, "causes"))
                        .flatMap(List::stream))
                .toList());
    }

    private static List<Row> directed(WordNet wordNet, Synset synset, PointerType type, String label) {
        return WordPair.related(wordNet, synset, type)
                .map(pair -> pair.row(" -> ", label))
                .toList();
    }

    /** Without the inputs that two labels are right for. */
    private static List<Row> unambiguous(Collection<Row> rows) {
        Map<String, String> labels = new HashMap<>();
        rows.forEach(row -> labels.merge(row.input(), row.output(), (a, b) -> a.equals(b) ? a : ""));
        return rows.stream()
                .filter(row -> row.output().equals(labels.get(row.input())))
                .toList();
    }
}
