package dev.espalier.data.wordnet;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;

/** What one dictionary entry is about: the input is a synset's word and definition, or the definition alone. */
final class EntryTasks {
    /** Domain-topic synsets' first words that at least 60 synsets belong to. */
    private static final Map<String, String> TOPICS = Labels.of(
            "law", "law, courts and legal matters",
            "military", "armed forces and warfare",
            "music", "music, its instruments and its notation",
            "chemistry", "chemistry, substances and their reactions",
            "computer science", "computers, programs and data",
            "Greek mythology", "gods, heroes and creatures of ancient Greece",
            "biology", "living things in general",
            "physics", "matter, energy and forces",
            "botany", "plants and their parts",
            "terrorism", "terrorists and terrorist groups",
            "mathematics", "numbers, functions and geometry",
            "baseball", "the game of baseball",
            "medicine", "diseases, doctors and their treatments",
            "sport", "sports and games in general",
            "statistics", "samples, distributions and statistical tests",
            "cooking", "preparing food",
            "linguistics", "languages and their study",
            "Roman Catholic", "the Roman Catholic Church",
            "genetics", "genes and heredity",
            "anatomy", "the structure of bodies",
            "psychology", "mind and behaviour",
            "geology", "rocks and the earth's crust",
            "Old Testament", "people and books of the Hebrew Bible");

    private static final Map<String, String> ENTITY_TYPES = Labels.of(
            "act", "a battle, war or another deed in history",
            "artifact", "a famous building, ship or another made object",
            "communication", "a book, scripture, language or another work of words",
            "group", "an organization, party or people",
            "location", "a city, country or region",
            "object", "a river, mountain, star or another natural object",
            "person", "a person, or a god or figure of a story");

    private static final Map<String, String> COMMONNESS = Labels.of(
            "common", "a meaning that people often use",
            "rare", "a meaning that hardly occurs in everyday text");

    private static final Map<String, String> INSTANCE = Labels.of(
            "instance", "one particular person, place or thing with a name of its own",
            "class", "a kind of thing, of which there are many");

    /** Sentence frames that at least 100 synsets have as their only one. */
    private static final Map<String, String> FRAMES = Labels.of(
            "Something ----s", "a thing does it, without an object",
            "Somebody ----s", "a person does it, without an object",
            "Something is ----ing PP", "a thing is doing it at, to or from some place",
            "Somebody ----s something", "a person does it to a thing",
            "Somebody ----s somebody", "a person does it to a person",
            "Something ----s somebody", "a thing does it to a person",
            "Something ----s something", "a thing does it to a thing",
            "Somebody ----s something PP", "a person does it to a thing and to, from or with something else",
            "Somebody ----s PP", "a person does it at, to or with something");

    private static final Pattern BRACKET = Pattern.compile("^\\([^)]*\\)\\s*");

    private EntryTasks() {}

    static List<BuiltinTask> all() {
        return List.of(
                BuiltinTask.classification(
                        "noun-supersense",
                        "a noun and its definition: what kind of thing is it?",
                        Labels.NOUN_FIELDS,
                        (sources, random) -> fields(sources.wordNet().synsets(POS.NOUN), Labels.NOUN_FIELDS)),
                BuiltinTask.classification(
                        "verb-supersense",
                        "a verb and its definition: what kind of action is it?",
                        Labels.VERB_FIELDS,
                        (sources, random) -> fields(sources.wordNet().synsets(POS.VERB), Labels.VERB_FIELDS)),
                BuiltinTask.classification(
                        "gloss-pos",
                        "a definition: which part of speech does it define?",
                        Labels.PARTS_OF_SPEECH,
                        (sources, random) -> sources.wordNet().synsets().stream()
                                .map(s -> Row.of(s.definition(), s.pos().getLabel()))
                                .toList()),
                BuiltinTask.classification(
                        "topic",
                        "a word and its definition: which subject does it belong to?",
                        TOPICS,
                        (sources, random) -> topics(sources.wordNet())),
                BuiltinTask.classification(
                        "entity-type",
                        "a name and who or what it is: which type of entity?",
                        ENTITY_TYPES,
                        (sources, random) -> fields(
                                sources.wordNet().synsets(POS.NOUN).filter(EntryTasks::isInstance), ENTITY_TYPES)),
                BuiltinTask.classification(
                        "verb-frame",
                        "a verb and its definition: which sentence does it fit in?",
                        FRAMES,
                        (sources, random) -> sources.wordNet()
                                .synsets(POS.VERB)
                                .flatMap(EntryTasks::frame)
                                .toList()),
                BuiltinTask.classification(
                        "common-or-rare",
                        "a word and its definition: is this meaning common?",
                        COMMONNESS,
                        (sources, random) -> sources.wordNet().synsets().stream()
                                .map(s -> Row.of(s.entry(), s.common() ? "common" : "rare"))
                                .toList()),
                BuiltinTask.classification(
                        "instance-or-class",
                        "a noun and its definition: one particular thing or a kind of thing?",
                        INSTANCE,
                        (sources, random) -> sources.wordNet()
                                .synsets(POS.NOUN)
                                .map(s -> Row.of(s.entry(), isInstance(s) ? "instance" : "class"))
                                .toList()));
    }

    /** First word of the first topic that a synset belongs to and that the task knows. */
    private static Optional<String> topic(WordNet wordNet, Synset synset) {
        return wordNet.targets(synset, PointerType.CATEGORY)
                .map(Synset::word)
                .filter(TOPICS::containsKey)
                .findFirst();
    }

    /** The entry without the bracket that names its topic. */
    static String withoutBracket(Synset synset) {
        return synset.word() + ": " + BRACKET.matcher(synset.definition()).replaceFirst("");
    }

    private static List<Row> topics(WordNet wordNet) {
        return wordNet.synsets().stream()
                .flatMap(synset -> topic(wordNet, synset).map(topic -> Row.of(withoutBracket(synset), topic)).stream())
                .toList();
    }

    private static List<Row> fields(Stream<Synset> synsets, Map<String, String> labels) {
        return synsets.filter(synset -> labels.containsKey(synset.field()))
                .map(synset -> Row.of(synset.entry(), synset.field()))
                .toList();
    }

    private static boolean isInstance(Synset synset) {
        return synset.has(PointerType.INSTANCE_HYPERNYM);
    }

    private static Stream<Row> frame(Synset synset) {
        return synset.frames().size() == 1 && FRAMES.containsKey(synset.frames().get(0))
                ? Stream.of(Row.of(synset.entry(), synset.frames().get(0)))
                : Stream.empty();
    }
}
