package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on a run, one after another as a user types them. */
class WorkflowTest {
    private static final List<String> ANIMALS =
            List.of("dog", "cat", "horse", "lion", "eagle", "trout", "wolf", "goat");
    private static final List<String> TOOLS =
            List.of("hammer", "saw", "drill", "axe", "chisel", "wrench", "file", "lathe");

    @TempDir
    private static Path folder;

    private static Path data;
    private static Path recipe;
    private static Path run;

    private record Outcome(int exitCode, String out, String err) {}

    @BeforeAll
    static void train() throws IOException {
        data = Files.writeString(
                folder.resolve("things.csv"),
                "text,label\n"
                        + ANIMALS.stream()
                                .map(word -> "a " + word + ",animal\n")
                                .collect(Collectors.joining())
                        + TOOLS.stream().map(word -> "a " + word + ",tool\n").collect(Collectors.joining()));
        recipe = Files.writeString(
                folder.resolve("things.yaml"), """
                tasks:
                  - name: things
                    file: %s
                    validation-fraction: 0.2
                    test-fraction: 0.2
                training: {steps: 10, batch-size: 8, evaluate-every: 5, learning-rate: 5e-3, max-tokens: 16}
                """.formatted(data.toString().replace('\\', '/')));
        run = folder.resolve("run");

        var trained = espalier("train", recipe.toString(), "--output", run.toString(), "--set", "adapter.rank=4");

        assertThat(trained.exitCode).as(trained.err).isZero();
        assertThat(trained.out)
                .contains("test accuracy [95 %]", run.resolve("adapter").toString());
        assertThat(trained.err).contains("step 10 of 10", "validation of things");
    }

    @Test
    void theRunFolderHoldsWhatTheDocumentationSays() throws IOException {
        assertThat(run.resolve("adapter").resolve("adapter_config.json")).exists();
        assertThat(run.resolve("state")).isNotEmptyDirectory();
        assertThat(run.resolve("metrics.jsonl")).isNotEmptyFile();
        assertThat(run.resolve("report.html")).isNotEmptyFile();
        assertThat(Files.readString(run.resolve("recipe.yaml"))).contains("rank: 4", "output: ", "weight-decay: 0");
    }

    @Test
    void anAdapterIsExportedForPeftAndRefusedWhereAFormatCannotHoldIt() {
        var peft = folder.resolve("peft");
        var exported = espalier("export", run.toString(), "--format", "peft", "--output", peft.toString());
        assertThat(exported.exitCode).as(exported.err).isZero();
        assertThat(exported.out).contains("Written: " + peft);
        assertThat(peft.resolve("adapter_model.safetensors")).isNotEmptyFile();

        var again = espalier("export", run.toString(), "--format", "peft", "--output", peft.toString());
        assertThat(again.exitCode).isEqualTo(2);
        assertThat(again.err).contains("exists already");

        var gguf = folder.resolve("a.gguf");
        var refused = espalier("export", run.toString(), "--format", "gguf", "--output", gguf.toString());
        assertThat(refused.exitCode).isEqualTo(2);
        assertThat(refused.err).contains("not a causal language model");
        assertThat(gguf).doesNotExist();
    }

    @Test
    void anAdapterIsMergedIntoItsModel() {
        var merged = folder.resolve("merged");
        var exported = espalier("export", run.toString(), "--format", "merged", "--output", merged.toString());
        assertThat(exported.exitCode).as(exported.err).isZero();
        assertThat(exported.out).contains("before rounding", "Written: " + merged);
        assertThat(merged.resolve("tokenizer.json")).isNotEmptyFile();
        assertThat(Json.read(merged.resolve("config.json"))
                        .path("id2label")
                        .path("0")
                        .stringValue())
                .isEqualTo("animal");
    }

    @Test
    void aRunThatExistsIsNotOverwritten() {
        var again = espalier("train", recipe.toString(), "--output", run.toString());

        assertThat(again.exitCode).isEqualTo(2);
        assertThat(again.err).contains("exists already");
    }

    @Test
    void aFinishedRunCannotBeResumed() {
        var resumed = espalier("train", run.resolve("recipe.yaml").toString(), "--resume");

        assertThat(resumed.exitCode).isEqualTo(2);
        assertThat(resumed.err).contains("is finished");
    }

    @Test
    void aTargetThatTheModelLacksNamesTheNearest() {
        var wrong = espalier(
                "train",
                recipe.toString(),
                "--output",
                folder.resolve("wrong").toString(),
                "--set",
                "adapter.target-modules=[querry]");

        assertThat(wrong.exitCode).isEqualTo(2);
        assertThat(wrong.err).contains("querry", "query", "value", "key");
        assertThat(folder.resolve("wrong")).doesNotExist();
    }

    @Test
    void aLearningRateThatIsFarTooHighStopsWithTheStep() {
        var diverged = espalier(
                "train",
                recipe.toString(),
                "--output",
                folder.resolve("diverged").toString(),
                "--set",
                "training.learning-rate=1e38",
                "--set",
                "training.clip-norm=0",
                "--set",
                "training.schedule=constant");

        assertThat(diverged.exitCode).isEqualTo(2);
        assertThat(diverged.err).contains("diverged at step", "lower learning-rate");
    }

    @Test
    void evaluateGivesTheScoreOfTheRun() {
        var scores = folder.resolve("scores.json");

        var evaluated = espalier("evaluate", run.toString(), "--json", scores.toString());

        assertThat(evaluated.exitCode).as(evaluated.err).isZero();
        assertThat(evaluated.out).contains("things", "accuracy", " to ");
        var test = Json.read(scores);
        assertThat(test.get(0).get("labels").toString()).contains("animal", "tool");
        assertThat(test.get(0).get("accuracy").doubleValue()).isEqualTo(testAccuracyOfRun());
    }

    @Test
    void evaluateScoresAFileWithoutSplitsWhole() {
        var evaluated = espalier("evaluate", run.resolve("adapter").toString(), "--data", data.toString());

        assertThat(evaluated.exitCode).as(evaluated.err).isZero();
        assertThat(evaluated.out).containsPattern("things +16 +accuracy");
    }

    @Test
    void predictAnswersTextsWithLabelAndProbability() {
        var predicted = espalier("predict", run.toString(), "a dog", "a hammer");

        assertThat(predicted.exitCode).as(predicted.err).isZero();
        assertThat(predicted.out.lines()).hasSize(2).allMatch(line -> line.matches("(animal|tool)\t[01]\\.\\d{4}"));
    }

    @Test
    void predictReadsJsonLinesAndWritesThem() throws IOException {
        var rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"body\": \"a dog\"}\n{\"body\": \"a saw\"}\n");

        var predicted = espalier(
                "predict", run.toString(), "--input", rows.toString(), "--text-column", "body", "--json", "--top", "2");

        assertThat(predicted.exitCode).as(predicted.err).isZero();
        assertThat(predicted.out.lines()).hasSize(2).allSatisfy(line -> {
            var labels = Json.mapper().readTree(line).get("labels");
            assertThat(labels.valueStream()
                            .mapToDouble(label -> label.get("probability").doubleValue())
                            .sum())
                    .isCloseTo(1, org.assertj.core.data.Offset.offset(1e-5));
        });
    }

    @Test
    void predictRejectsTextThatIsNotUtf8() throws IOException {
        var latin = Files.write(folder.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, '\n'});

        var predicted = espalier("predict", run.toString(), "--input", latin.toString());

        assertThat(predicted.exitCode).isEqualTo(2);
        assertThat(predicted.err).contains(latin + " is not UTF-8 text");
    }

    @Test
    void inspectShowsTheRunAndItsAdapter() {
        var inspected = espalier("inspect", run.toString());

        assertThat(inspected.exitCode).as(inspected.err).isZero();
        assertThat(inspected.out)
                .contains("test accuracy", "lora_alpha", "attention.self.query.lora_A.weight", "[4, 384]");
    }

    private static double testAccuracyOfRun() {
        try (var lines = Files.lines(run.resolve("metrics.jsonl"))) {
            return lines.map(line -> Json.mapper().readTree(line))
                    .filter(line -> line.get("kind").stringValue().equals("test"))
                    .findFirst()
                    .orElseThrow()
                    .get("accuracy")
                    .doubleValue();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Outcome espalier(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int exitCode = Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
        return new Outcome(exitCode, out.toString(), err.toString());
    }
}
