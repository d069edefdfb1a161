package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import dev.espalier.merge.MergeMethods;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Merging two runs as a user types it. */
class MergeCommandTest {
    private static final String ROWS = """
            text,label
            a dog,%1$s
            a cat,%1$s
            a horse,%1$s
            a lion,%1$s
            a hammer,%2$s
            a saw,%2$s
            a drill,%2$s
            an axe,%2$s
            """;

    @TempDir
    private static Path folder;

    private record Outcome(int exitCode, String out, String err) {}

    @BeforeAll
    static void train() throws IOException {
        train("animals", "animal", "tool", "{rank: 4}");
        train("living", "living", "made", "{rank: 2, target-modules: [query, key]}");
    }

    private static void train(String name, String first, String second, String adapter) throws IOException {
        var data = Files.writeString(folder.resolve(name + ".csv"), ROWS.formatted(first, second));
        var recipe = Files.writeString(
                folder.resolve(name + ".yaml"), """
                tasks: [{file: %s, validation-fraction: 0.25}]
                adapter: %s
                training: {steps: 2, batch-size: 8, max-tokens: 16, learning-rate: 1e-2}
                """.formatted(data.toString().replace('\\', '/'), adapter));
        var trained =
                run("train", recipe.toString(), "--output", folder.resolve(name).toString());
        assertThat(trained.exitCode).as(trained.err).isZero();
    }

    private static Outcome run(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int code = Main.execute(arguments, new PrintWriter(out, true), new PrintWriter(err, true));
        return new Outcome(code, out.toString(), err.toString());
    }

    private static Outcome merge(String output, String... options) {
        var arguments = new ArrayList<>(List.of("merge", path("animals"), path("living")));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("--output", path(output)));
        return run(arguments.toArray(String[]::new));
    }

    private static String path(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void aMergedAdapterIsEvaluatedOnEachTask() {
        var merged = merge("merged", "--method", "ties", "--density", "0.2", "--weights", "0.7,0.3");
        assertThat(merged.exitCode).as(merged.err).isZero();
        assertThat(merged.out)
                .contains("adapter", "norm share", "sign conflicts", "Rank 4 leaves out", "Written: " + path("merged"));
        var json = Json.read(folder.resolve("merged/merge.json"));
        assertThat(json.path("method").stringValue("")).isEqualTo("ties");
        assertThat(json.path("adapters").get(1).path("weight").doubleValue()).isEqualTo(.3);
        assertThat(json.path("relative_error").doubleValue()).isBetween(0., 1.);
        assertThat(folder.resolve("merged/report.html"))
                .content()
                .contains("Sign conflicts by layer and matrix", "Kept weights by layer and matrix", ">norm share</th>");
        for (var task : List.of("animals", "living")) {
            var scored = run("evaluate", path("merged"), "--data", path(task + ".csv"), "--task", task);
            assertThat(scored.exitCode).as(scored.err).isZero();
            assertThat(scored.out).contains(task, "accuracy");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"concat", "full"})
    void exactFoldersAreAdaptersToo(String format) {
        var merged = merge(format, "--method", "average", "--format", format);
        assertThat(merged.exitCode).as(merged.err).isZero();
        // Merged again, alone: the same change, read from what was written.
        var again = run(
                "merge",
                path(format),
                "--method",
                "average",
                "--format",
                "lora",
                "--rank",
                "6",
                "--output",
                path(format + "-again"));
        assertThat(again.exitCode).as(again.err).isZero();
        assertThat(again.out).contains("Rank 6 leaves out 0.0 %");
    }

    @Test
    void ofASparseFolderIsShownWhatItKeepsInAll() {
        var merged = merge("sparse", "--method", "ties", "--density", "0.1", "--format", "sparse");
        assertThat(merged.exitCode).as(merged.err).isZero();
        var shown = run("inspect", path("sparse"));
        assertThat(shown.exitCode).as(shown.err).isZero();
        assertThat(shown.out).containsPattern("kept +18 modules, [0-9]+,[0-9]{3} kept weights in all");
        assertThat(shown.out.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThan(160));
    }

    @Test
    void aDenseFolderIsAModel() {
        var merged = merge("model", "--method", "task-arithmetic", "--format", "dense");
        assertThat(merged.exitCode).as(merged.err).isZero();
        assertThat(merged.out).contains("no place for the heads of 2 tasks", "Largest difference");
        assertThat(folder.resolve("model/tokenizer.json")).exists();
        assertThat(run("inspect", path("model")).exitCode).isZero();
    }

    @Test
    void masksAreMergedAgain() {
        var merged = merge("masks", "--method", "emr", "--format", "masks");
        assertThat(merged.exitCode).as(merged.err).isZero();
        var again = run(
                "merge", path("masks/animals"), "--method", "average", "--format", "lora", "--output", path("task"));
        assertThat(again.exitCode).as(again.err).isZero();
        var scored = run("evaluate", path("task"), "--data", path("animals.csv"));
        assertThat(scored.exitCode).as(scored.err).isZero();
    }

    @Test
    void aRecipeHasOverridesAndIsChangedBySet() throws IOException {
        var recipe = Files.writeString(folder.resolve("merge.yaml"), """
                adapters:
                  - {path: %s, weight: 1, name: one}
                  - {path: %s, weight: 0.5}
                method: ties
                density: 0.3
                overrides:
                  - {modules: [value], method: average}
                rank: 8
                """.formatted(path("animals"), path("living")));
        var merged = run("merge", recipe.toString(), "--set", "seed=3", "--output", path("from-recipe"));
        assertThat(merged.exitCode).as(merged.err).isZero();
        var json = Json.read(folder.resolve("from-recipe/merge.json"));
        assertThat(json.path("adapters").get(0).path("name").stringValue("")).isEqualTo("one");
        assertThat(json.path("seed").intValue()).isEqualTo(3);
        assertThat(json.path("rank").intValue()).isEqualTo(8);
        var both = run("merge", recipe.toString(), "--method", "ties", "--output", path("x"));
        assertThat(both.exitCode).isEqualTo(2);
        assertThat(both.err).contains("There is a recipe and options beside it");
    }

    @Test
    void numbersAreSearchedOnValidationData() {
        var merged = merge("searched", "--method", "task-arithmetic", "--search", "lambda");
        assertThat(merged.exitCode).as(merged.err).isZero();
        assertThat(merged.out).contains("score", "5 merges were tried");
        assertThat(Json.read(folder.resolve("searched/merge.json"))
                        .path("search")
                        .size())
                .isEqualTo(5);
    }

    @Test
    void weightsAreSearchedBeforeTheRest() throws IOException {
        var recipe = Files.writeString(folder.resolve("search.yaml"), """
                adapters: [{path: %s}, {path: %s}]
                method: ties
                search: {weights: true, evaluations: 6, density: [0.1, 0.5], limit: 2}
                """.formatted(path("animals"), path("living")));
        var merged = run("merge", recipe.toString(), "--output", path("hub"));
        assertThat(merged.exitCode).as(merged.err).isZero();
        var json = Json.read(folder.resolve("hub/merge.json"));
        assertThat(json.path("search").size()).isEqualTo(8);
        assertThat(json.path("density").doubleValue()).isIn(.1, .5);
        assertThat(json.path("adapters").get(0).path("weight").doubleValue()).isBetween(-1.5, 1.5);
    }

    /** Full fine-tuning changes biases, which LoRA has no place for: nothing is left that a rank could cut. */
    @Test
    void modulesThatAreSavedWholeAreSaid() throws IOException {
        train("whole", "animal", "tool", "{method: full, target-modules: [query, value]}");
        var merged = run("merge", path("whole"), path("animals"), "--rank", "2", "--output", path("with-whole"));
        assertThat(merged.exitCode).as(merged.err).isZero();
        assertThat(merged.out)
                .contains("12 modules are saved as whole copies, for format lora has no place")
                .doesNotContain("leaves out");
    }

    @Test
    void helpNamesEveryMethod() {
        var help = run("merge", "--help");
        assertThat(help.exitCode).isZero();
        assertThat(help.out.replaceAll("\\s+", " ")).contains(MergeMethods.all().keySet());
        assertThat(help.out).contains("--weights=W[,W...]");
    }

    @Test
    void wrongInputIsOneSentence() {
        refused("There is no adapter folder", "merge", path("animals"), path("nowhere"), "--output", path("x"));
        refused("exists already", "merge", path("animals"), path("living"), "--output", path("animals"));
        refused(
                "There are 3 --weights and 2 adapters",
                "merge",
                path("animals"),
                path("living"),
                "--weights",
                "1,2,3",
                "--output",
                path("x"));
        refused(
                "--weights names no weight",
                "merge",
                path("animals"),
                path("living"),
                "--weights",
                ",",
                "--output",
                path("x"));
        refused("density", "merge", path("animals"), path("living"), "--density", "0", "--output", path("x"));
        refused(
                "Did you mean 'ties'?",
                "merge",
                path("animals"),
                path("living"),
                "--method",
                "tie",
                "--output",
                path("x"));
        refused(
                "is no sum of low-rank changes",
                "merge",
                path("animals"),
                path("living"),
                "--format",
                "concat",
                "--output",
                path("x"));
        refused(
                "has no meaning for method 'average'",
                "merge",
                path("animals"),
                path("living"),
                "--method",
                "average",
                "--gamma",
                "0.1",
                "--output",
                path("x"));
        refused(
                "equal ranks",
                "merge",
                path("animals"),
                path("living"),
                "--method",
                "peft-linear",
                "--output",
                path("x"));
        refused("Where the merge is to be written", "merge", path("animals"));
        assertThat(folder.resolve("x")).doesNotExist();
    }

    @Test
    void adaptersOfOtherBasesAreRefusedUnlessTheBaseIsNamed() throws IOException {
        var foreign = Files.createDirectories(folder.resolve("foreign"));
        try (var files = Files.list(folder.resolve("living/adapter"))) {
            for (var file : files.toList()) {
                var text = file.toString().endsWith(".json");
                var copy = foreign.resolve(file.getFileName().toString());
                if (text) {
                    Files.writeString(
                            copy,
                            Files.readString(file).replace("sentence-transformers/all-MiniLM-L6-v2", "someone/else"));
                } else {
                    Files.copy(file, copy);
                }
            }
        }
        refused(
                "was trained on 'sentence-transformers/all-MiniLM-L6-v2' and " + foreign + " on 'someone/else'",
                "merge",
                path("animals"),
                path("foreign"),
                "--output",
                path("x"));
        var merged = run(
                "merge", path("animals"), path("foreign"), "--base", "all-minilm-l6-v2", "--output", path("trusted"));
        assertThat(merged.exitCode).as(merged.err).isZero();
    }

    @Test
    void aMixturesExpertsAreWeighedAsItsRunUsedThem() throws IOException {
        train("routed", "animal", "tool", "{method: mola, experts: 2, experts-by-depth: [], top-k: 1, rank: 2}");
        var same = run("merge", path("routed"), "--method", "average", "--output", path("soup"));
        assertThat(same.exitCode).as(same.err).isZero();
        var used = run("merge", path("routed"), "--method", "average", "--routed", "--output", path("used"));
        assertThat(used.exitCode).as(used.err).isZero();
        var weights = "adapter_model.safetensors";
        assertThat(folder.resolve("used").resolve(weights)).isNotEmptyFile().satisfies(file -> assertThat(
                        Files.readAllBytes(file))
                .isNotEqualTo(Files.readAllBytes(folder.resolve("soup").resolve(weights))));
    }

    @Test
    void theBenchmarkReportsTimeAndPeakBesideTheBound() {
        var measured = run(
                "bench", "merge", "--shape", "minilm", "--adapters", "3", "--rank", "2", "--json", path("bench.json"));
        assertThat(measured.exitCode).as(measured.err).isZero();
        assertThat(measured.out).contains("peak memory", "3 of rank 2");
        assertThat(Json.read(folder.resolve("bench.json")).path("seconds").doubleValue())
                .isPositive();
    }

    private static void refused(String sentence, String... arguments) {
        var outcome = run(arguments);
        assertThat(outcome.exitCode).as(outcome.err).isEqualTo(2);
        assertThat(outcome.err).contains(sentence);
    }
}
