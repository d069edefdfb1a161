package dev.espalier.data.wordnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every task. */
class BuiltinTasksTest {
    private static final Pattern UNDERSCORE = Pattern.compile("[a-zA-Z]_[a-zA-Z]");

    private static final List<String> LANGUAGE_TOOL =
            LanguageToolTasks.all().stream().map(BuiltinTask::name).toList();

    @TempDir
    Path folder;

    static List<BuiltinTask> tasks() {
        return BuiltinTasks.all();
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void splitHasTheStatedSizes(BuiltinTask task) {
        var split = Built.split(task.name());
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
        var inputs = Built.rows(task.name()).map(Row::input).toList();
        assertThat(new HashSet<>(inputs)).hasSameSizeAs(inputs);
        assertThat(inputs.stream().filter(input -> input.length() < 3 || input.length() > 400))
                .isEmpty();
        assertThat(Stream.concat(inputs.stream(), Built.rows(task.name()).map(Row::output))
                        .filter(text -> text.isBlank() || text.contains("  ") || !text.equals(text.strip())))
                .isEmpty();
    }

    /** WordNet's files join the words of a phrase by underscores; in a sentence of LanguageTool one may be the error. */
    @ParameterizedTest
    @MethodSource("tasks")
    void phrasesOfWordNetHaveBlanks(BuiltinTask task) {
        if (!LANGUAGE_TOOL.contains(task.name())) {
            assertThat(Built.rows(task.name())
                            .flatMap(row -> Stream.of(row.input(), row.output()))
                            .filter(text -> UNDERSCORE.matcher(text).find()))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void everyLabelOccursInBothSplitsAndIsDescribed(BuiltinTask task) {
        if (task.kind() == TaskKind.CLASSIFICATION) {
            var split = Built.split(task.name());
            assertThat(labels(split.test())).isEqualTo(task.labelDescriptions().keySet());
            assertThat(labels(split.train())).isEqualTo(task.labelDescriptions().keySet());
            assertThat(task.labelDescriptions().values())
                    .allMatch(text -> !text.isBlank() && text.lines().count() == 1)
                    .doesNotHaveDuplicates();
            assertThat(Built.rows(task.name()).collect(Collectors.groupingBy(Row::output, Collectors.counting())))
                    .allSatisfy((label, count) -> assertThat(count).isLessThanOrEqualTo(1500));
        } else {
            assertThat(task.labelDescriptions()).isEmpty();
        }
        assertThat(task.description()).isNotBlank().doesNotContain("\n");
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void groupsStayOnOneSide(BuiltinTask task) {
        var split = Built.split(task.name());
        var trained = split.train().stream().map(Row::group).collect(Collectors.toSet());
        assertThat(split.test().stream().filter(row -> trained.contains(row.group())))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void onlyChoicesHaveCandidatesAndTheOutputIsOneOfFour(BuiltinTask task) {
        var rows = Built.rows(task.name()).toList();
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
            assertThat(places.values()).hasSize(4).allMatch(count -> count > rows.size() * 0.2);
        } else {
            assertThat(rows.stream().filter(row -> !row.candidates().isEmpty())).isEmpty();
        }
    }

    /**
     * The hashes hold on every system and Java version. Whoever changes a task's rows gives {@link BuiltinTask} a new
     * version, or files made before would go on to be used.
     */
    @ParameterizedTest
    @MethodSource("tasks")
    void bytesAreThoseOfThisVersion(BuiltinTask task) throws IOException, NoSuchAlgorithmException {
        var file = task.file(folder, Built.SEED, Built.SOURCES);
        var hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        var again = folder.resolve("again");
        TaskFile.write(again, Built.split(task.name()));
        assertThat(again).hasSameBinaryContentAs(file);
        assertThat(hashes()).containsEntry(file.getFileName().toString(), hash);
    }

    @Test
    void anotherSeedGivesOtherRows() {
        var task = BuiltinTasks.find("gloss-pos");
        assertThat(task.split(Built.SEED + 1, Built.SOURCES)).isNotEqualTo(Built.split(task.name()));
    }

    @Test
    void buildsAtTheSameTimeLeaveOneWholeFile() throws Exception {
        var task = BuiltinTasks.find("verb-frame");
        var builds = IntStream.range(0, 4)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> task.file(folder.resolve("shared"), Built.SEED, Built.SOURCES)))
                .toList();
        for (var build : builds) {
            assertThat(build.get())
                    .hasSameBinaryContentAs(task.file(folder.resolve("alone"), Built.SEED, Built.SOURCES));
        }
        try (var files = Files.list(folder.resolve("shared"))) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void fileHoldsTheRowsAsJsonLinesAndIsNotMadeTwice() throws IOException {
        var task = BuiltinTasks.find("gloss-pos");
        var file = task.file(folder.resolve("lines"), Built.SEED, Built.SOURCES);
        var split = Built.split(task.name());
        var lines = Files.readAllLines(file);
        assertThat(lines).hasSize(split.test().size() + split.train().size());
        var first = Json.mapper().readTree(lines.get(0));
        assertThat(first.propertyNames()).containsExactly("split", "input", "output");
        assertThat(first.get("split").asString()).isEqualTo("test");
        assertThat(first.get("input").asString()).isEqualTo(split.test().get(0).input());
        Files.writeString(file, "kept");
        assertThat(task.file(folder.resolve("lines"), Built.SEED))
                .isEqualTo(file)
                .hasContent("kept");
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

    private static Map<String, String> hashes() throws IOException {
        try (var lines = Objects.requireNonNull(BuiltinTasksTest.class.getResourceAsStream("/tasks/seed7.sha256"))) {
            return new String(lines.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.split("  "))
                    .collect(Collectors.toMap(parts -> parts[1], parts -> parts[0]));
        }
    }

    private static Set<String> labels(List<Row> rows) {
        return rows.stream().map(Row::output).collect(Collectors.toSet());
    }
}
