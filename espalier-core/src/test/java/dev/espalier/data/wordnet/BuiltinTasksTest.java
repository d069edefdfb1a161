package dev.espalier.data.wordnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every task. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BuiltinTasksTest {
    private final Sources sources = new Sources();
    private final Map<String, Split> splits = new HashMap<>();

    @TempDir
    Path folder;

    static List<BuiltinTask> tasks() {
        return BuiltinTasks.all();
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void splitHasTheStatedSizes(BuiltinTask task) {
        var split = split(task);
        var test = split.test().size();
        var train = split.train().size();
        assertThat(test).isBetween(80, 500);
        assertThat(train).isLessThanOrEqualTo(4000);
        if (test < 500) {
            assertThat(test).isEqualTo((test + train) / 6);
        } else {
            assertThat(train).isGreaterThanOrEqualTo(2500);
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void inputsAreUniqueAndOfFitLength(BuiltinTask task) {
        var inputs = rows(task).map(Row::input).toList();
        assertThat(inputs).doesNotHaveDuplicates().allSatisfy(input -> assertThat(input)
                .hasSizeBetween(3, 400)
                .isEqualTo(input.strip())
                .doesNotContain("_", "  "));
        assertThat(rows(task).map(Row::output))
                .allSatisfy(output -> assertThat(output).isNotBlank());
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void everyLabelOccursInBothSplitsAndIsDescribed(BuiltinTask task) {
        if (task.kind() == TaskKind.CLASSIFICATION) {
            var split = split(task);
            assertThat(labels(split.test())).isEqualTo(task.labelDescriptions().keySet());
            assertThat(labels(split.train())).isEqualTo(task.labelDescriptions().keySet());
            assertThat(task.labelDescriptions().values())
                    .allMatch(text -> !text.isBlank() && text.lines().count() == 1)
                    .doesNotHaveDuplicates();
            assertThat(rows(task).collect(Collectors.groupingBy(Row::output, Collectors.counting())))
                    .allSatisfy((label, count) -> assertThat(count).isLessThanOrEqualTo(1500));
        } else {
            assertThat(task.labelDescriptions()).isEmpty();
        }
        assertThat(task.description()).isNotBlank().doesNotContain("\n");
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void groupsStayOnOneSide(BuiltinTask task) {
        var split = split(task);
        var trained = split.train().stream().map(Row::group).collect(Collectors.toSet());
        assertThat(split.test().stream().filter(row -> trained.contains(row.group())))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void onlyChoicesHaveCandidatesAndTheOutputIsOneOfFour(BuiltinTask task) {
        var rows = rows(task).toList();
        if (task.kind() == TaskKind.CHOICE) {
            assertThat(rows.stream()
                            .filter(row -> row.candidates().size() != 4
                                    || new HashSet<>(row.candidates()).size() != 4
                                    || !row.candidates().contains(row.output())))
                    .isEmpty();
            // The right one is not to be found by its place.
            var places = rows.stream()
                    .collect(Collectors.groupingBy(
                            row -> row.candidates().indexOf(row.output()), Collectors.counting()));
            assertThat(places.values()).allMatch(count -> count > rows.size() * 0.2);
        } else {
            assertThat(rows.stream().filter(row -> !row.candidates().isEmpty())).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void sameSeedGivesTheSameBytesAndAnotherSeedOthers(BuiltinTask task) throws IOException {
        var first = task.file(folder.resolve("first"), 7, sources);
        var second = task.file(folder.resolve("second"), 7, sources);
        var other = task.file(folder.resolve("other"), 8, sources);
        assertThat(second)
                .hasSameBinaryContentAs(first)
                .hasFileName(first.getFileName().toString());
        assertThat(Files.mismatch(first, other)).isNotEqualTo(-1);
    }

    @Test
    void fileHoldsTheRowsAsJsonLinesAndIsNotMadeTwice() throws IOException {
        var task = BuiltinTasks.find("gloss-pos");
        var file = task.file(folder.resolve("lines"), 7, sources);
        var split = split(task);
        var lines = Files.readAllLines(file);
        assertThat(lines).hasSize(split.test().size() + split.train().size());
        var first = Json.mapper().readTree(lines.get(0));
        assertThat(first.propertyNames()).containsExactly("split", "input", "output");
        assertThat(first.get("split").asString()).isEqualTo("test");
        assertThat(first.get("input").asString()).isEqualTo(split.test().get(0).input());
        Files.writeString(file, "kept");
        assertThat(task.file(folder.resolve("lines"), 7)).isEqualTo(file).hasContent("kept");
    }

    @Test
    void unknownNameIsAnsweredWithTheNearest() {
        assertThatThrownBy(() -> BuiltinTasks.find("noun-supersens"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'noun-supersens'")
                .hasMessageContaining("noun-supersense, verb-supersense");
    }

    @Test
    void namesAreUnique() {
        assertThat(BuiltinTasks.names()).doesNotHaveDuplicates();
    }

    private Split split(BuiltinTask task) {
        return splits.computeIfAbsent(task.name(), name -> task.split(7, sources));
    }

    private Stream<Row> rows(BuiltinTask task) {
        return Stream.concat(split(task).test().stream(), split(task).train().stream());
    }

    private static java.util.Set<String> labels(List<Row> rows) {
        return rows.stream().map(Row::output).collect(Collectors.toSet());
    }
}
