package dev.espalier.data.wordnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.data.languagetool.Correction;
import dev.espalier.data.languagetool.LanguageTool;
import dev.espalier.data.languagetool.Replacement;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the rows say, against LanguageTool's own rules. */
class LanguageToolTasksTest {
    private final LanguageTool languageTool = Built.SOURCES.languageTool();

    @Test
    void descriptionSaysWhatIsFetched() {
        assertThat(LanguageToolTasks.all()).hasSize(6).allSatisfy(task -> assertThat(task.description())
                .contains("LanguageTool", "LGPL", "first use"));
    }

    @Test
    void errorCategoriesAreThoseWithAtLeast38Examples() {
        var counts = languageTool.corrections().stream()
                .collect(Collectors.groupingBy(Correction::category, Collectors.counting()));
        var large = counts.entrySet().stream()
                .filter(category -> category.getValue() >= 38)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
        assertThat(BuiltinTasks.find("error-category").labelDescriptions().keySet())
                .isEqualTo(large);
    }

    /** Whatever the seed: the smallest category is in the test by chance alone. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
    void everyErrorCategoryIsTested(long seed) {
        var test =
                BuiltinTasks.find("error-category").split(seed, Built.SOURCES).test();
        assertThat(test.stream().map(Row::output).distinct()).hasSize(11);
    }

    @ParameterizedTest
    @ValueSource(strings = {"acceptability", "error-category", "correct"})
    void aSentenceAndItsCorrectionStayOnOneSide(String task) {
        var corrections = languageTool.corrections().stream()
                .filter(example -> example.corrected().isPresent())
                .collect(Collectors.groupingBy(
                        Correction::sentence,
                        Collectors.mapping(example -> example.corrected().orElseThrow(), Collectors.toSet())));
        var split = Built.split(task);
        var trained = texts(split.train(), corrections);
        assertThat(texts(split.test(), corrections)).isNotEmpty().doesNotContainAnyElementsOf(trained);
    }

    @Test
    void acceptabilityIsBalancedAndNoSentenceIsBoth() {
        var counts = Built.rows("acceptability").collect(Collectors.groupingBy(Row::output, Collectors.counting()));
        assertThat(counts.values()).containsExactly(1500L, 1500L);
        var wrong =
                languageTool.corrections().stream().map(Correction::sentence).collect(Collectors.toSet());
        assertThat(Built.rows("acceptability")).allSatisfy(row -> assertThat(wrong.contains(row.input()))
                .isEqualTo(row.output().equals("unacceptable")));
    }

    @Test
    void aWordAndItsOtherSpellingStayOnOneSide() {
        var other = languageTool.spellings().stream()
                .collect(Collectors.toMap(Replacement::from, Replacement::to, (first, second) -> first));
        var split = Built.split("us-or-gb");
        Function<List<Row>, Set<String>> pairs = rows -> rows.stream()
                .map(row -> row.output().equals("US") ? other.getOrDefault(row.input(), "") : row.input())
                .collect(Collectors.toSet());
        assertThat(pairs.apply(split.test())).doesNotContainAnyElementsOf(pairs.apply(split.train()));
        assertThat(Built.rows("us-to-gb"))
                .allSatisfy(row -> assertThat(row.output()).isEqualTo(other.get(row.input())));
    }

    /** Every text of the rows, and whatever a rule corrects it to. */
    private static Set<String> texts(Collection<Row> rows, Map<String, Set<String>> corrections) {
        var texts = rows.stream().map(Row::input).collect(Collectors.toSet());
        rows.forEach(row -> texts.addAll(corrections.getOrDefault(row.input(), Set.of())));
        return texts;
    }
}
