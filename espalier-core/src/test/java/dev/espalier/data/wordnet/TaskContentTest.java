package dev.espalier.data.wordnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.PointerType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the rows of a task say, against WordNet itself. */
class TaskContentTest {
    private final WordNet wordNet = Built.SOURCES.wordNet();

    @ParameterizedTest
    @CsvSource({
        "noun-supersense, 24",
        "verb-supersense, 14",
        "gloss-pos, 4",
        "topic, 23",
        "entity-type, 7",
        "synonym, 2",
        "antonym-or-synonym, 2",
        "is-a, 2",
        "relation, 5",
        "word-in-context, 2",
        "definition-choice, 4",
        "cloze-choice, 4",
        "usage-class, 14",
        "part-member-substance, 3",
        "entails-or-causes, 2",
        "common-or-rare, 2",
        "instance-or-class, 2",
        "verb-frame, 9",
        "acceptability, 2",
        "error-category, 11",
        "us-or-gb, 2"
    })
    void taskHasItsNumberOfLabels(String task, int labels) {
        assertThat(BuiltinTasks.find(task).labelDescriptions()).hasSize(labels);
    }

    @Test
    void thereAreTwentyOneClassificationsSevenChoicesAndEightGenerations() {
        assertThat(BuiltinTasks.all().stream().collect(Collectors.groupingBy(BuiltinTask::kind, Collectors.counting())))
                .isEqualTo(Map.of(TaskKind.CLASSIFICATION, 21L, TaskKind.CHOICE, 7L, TaskKind.GENERATION, 8L));
    }

    @Test
    void wordNetIsReadWhole() {
        assertThat(wordNet.synsets().size()).isEqualTo(117_791);
        assertThat(wordNet.synsets().stream().filter(Synset::common).count()).isEqualTo(27_210);
        var dog = wordNet.senses("dog").get(0);
        assertThat(dog.entry())
                .isEqualTo("dog: a member of the genus Canis (probably descended from the common wolf) that has been"
                        + " domesticated by man since prehistoric times; occurs in many breeds");
        assertThat(dog.field()).isEqualTo("animal");
        assertThat(dog.words()).containsExactly("dog", "domestic dog", "Canis familiaris");
        assertThat(dog.counts()).containsExactly(42, 0, 0);
        assertThat(dog.examples()).containsExactly("the dog barked all night");
        assertThat(wordNet.targets(dog, PointerType.HYPERNYM).map(Synset::word)).contains("canine", "domestic animal");
        assertThat(wordNet.exceptions(POS.VERB)).containsEntry("went", List.of("go"));
    }

    @Test
    void definitionsHoldNoExamples() {
        var quoted = wordNet.synsets().stream()
                .filter(synset -> synset.definition().contains("\""))
                .toList();
        assertThat(quoted).hasSizeLessThan(15);
        assertThat(wordNet.synsets().stream()
                        .filter(synset -> synset.definition().isBlank()))
                .hasSizeLessThan(15);
    }

    @Test
    void topicsAreThoseWithAtLeastSixtyMembers() {
        var members = wordNet.synsets().stream()
                .flatMap(synset -> wordNet.targets(synset, PointerType.CATEGORY).map(Synset::word))
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        assertThat(atLeast(members, 60)).isEqualTo(labels("topic"));
    }

    @Test
    void entityTypesAreTheFieldsWithAtLeastAHundredInstances() {
        var fields = wordNet.synsets(POS.NOUN)
                .filter(synset -> synset.has(PointerType.INSTANCE_HYPERNYM))
                .collect(Collectors.groupingBy(Synset::field, Collectors.counting()));
        assertThat(atLeast(fields, 100)).isEqualTo(labels("entity-type"));
    }

    @Test
    void verbFramesAreThoseWithAtLeastAHundredVerbsOfTheirOwn() {
        var frames = wordNet.synsets(POS.VERB)
                .filter(synset -> synset.frames().size() == 1)
                .collect(Collectors.groupingBy(synset -> synset.frames().get(0), Collectors.counting()));
        assertThat(atLeast(frames, 100)).isEqualTo(labels("verb-frame"));
    }

    @Test
    void supersensesAreAllFieldsButThreeSmallOnes() {
        assertThat(fields(POS.NOUN))
                .hasSize(26)
                .containsAll(labels("noun-supersense"))
                .contains("Tops", "motive");
        assertThat(fields(POS.VERB))
                .hasSize(15)
                .containsAll(labels("verb-supersense"))
                .contains("weather");
    }

    @Test
    void relationHasNineHundredRowsOfEachLabel() {
        assertThat(Built.rows("relation").collect(Collectors.groupingBy(Row::output, Collectors.counting())))
                .hasSize(5)
                .allSatisfy((label, count) -> assertThat(count).isEqualTo(900));
    }

    @Test
    void topicIsNotGivenAwayByABracket() {
        assertThat(Built.rows("topic").filter(row -> row.input().contains(": (" + row.output() + ")")))
                .isEmpty();
    }

    @Test
    void pairsAskedInBothDirectionsStayOnOneSide() {
        for (var task : List.of("is-a", "synonym", "antonym-or-synonym", "relation", "part-member-substance")) {
            var split = Built.split(task);
            var separator = task.equals("is-a") ? " a kind of " : task.contains("synonym") ? " \\| " : " -> ";
            Function<Row, Set<String>> words =
                    row -> Set.of(row.input().replaceAll("^Is |\\?$", "").split(separator));
            var trained = split.train().stream().map(words).collect(Collectors.toSet());
            assertThat(trained).noneMatch(pair -> pair.size() != 2);
            assertThat(split.test().stream().map(words).filter(trained::contains))
                    .isEmpty();
        }
    }

    @Test
    void usageMarksTheInflectedVerb() {
        assertThat(Built.rows("usage-class").filter(row -> !row.input().matches(".*\\*[A-Za-z'-]+\\*.*")))
                .isEmpty();
        var run = wordNet.senses("take out").get(0);
        assertThat(Usage.in(wordNet, run)).allMatch(usage -> !usage.word().contains(" "));
        assertThat(wordNet.isForm("went", "go", POS.VERB)).isTrue();
        assertThat(wordNet.isForm("taking", "take", POS.VERB)).isTrue();
        assertThat(wordNet.isForm("tale", "take", POS.VERB)).isFalse();
    }

    @Test
    void yesMeansThatAHypernymHasTheWord() {
        var kinds = new Kinds(wordNet);
        assertThat(Built.rows("is-a").filter(row -> {
                    var words = row.input().replaceAll("^Is |\\?$", "").split(" a kind of ");
                    return kinds.include(words[0], words[1]) != row.output().equals("yes");
                }))
                .isEmpty();
    }

    private Set<String> fields(POS pos) {
        return wordNet.synsets(pos).map(Synset::field).collect(Collectors.toSet());
    }

    private static Set<String> labels(String task) {
        return BuiltinTasks.find(task).labelDescriptions().keySet();
    }

    private static Set<String> atLeast(Map<String, Long> counts, long least) {
        return counts.entrySet().stream()
                .filter(entry -> entry.getValue() >= least)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }
}
