package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Two recipes with two seeds on a few words. */
class CompareCommandTest {
    private static final List<String> RUNS = List.of("lora-0", "mixture-0", "lora-7", "mixture-7");

    @TempDir
    private static Path folder;

    private static Path lora;
    private static Path mixture;
    private static Path output;
    private static Outcome compared = new Outcome(-1, "", "");

    private record Outcome(int exitCode, String out, String err) {}

    @BeforeAll
    static void compareTwo() throws IOException {
        lora = recipe("lora.yaml", "{method: lora, rank: 2}");
        mixture = recipe("mixture.yaml", "{method: sira, rank: 2, experts: 4, top-k: 2}");
        recipe("head.yaml", "{method: head-only}");
        output = folder.resolve("whole");
        compared = compare(output);
        assertThat(compared.exitCode).as(compared.err).isZero();
    }

    private static Path recipe(String name, String adapter) throws IOException {
        var data = folder.resolve("things.csv");
        if (!Files.exists(data)) {
            Files.writeString(
                    data,
                    "text,label\n"
                            + Stream.of("dog", "cat", "horse", "lion", "eagle", "trout", "wolf", "goat")
                                    .map(word -> "a " + word + ",animal\n")
                                    .collect(Collectors.joining())
                            + Stream.of("hammer", "saw", "drill", "axe", "chisel", "wrench", "file", "lathe")
                                    .map(word -> "a " + word + ",tool\n")
                                    .collect(Collectors.joining()));
        }
        return Files.writeString(
                folder.resolve(name), """
                adapter: %s
                tasks:
                  - name: things
                    file: %s
                    validation-fraction: 0.2
                    test-fraction: 0.25
                training: {steps: 4, batch-size: 4, evaluate-every: 2, log-every: 1, learning-rate: 5e-3, max-tokens: 16}
                """.formatted(adapter, data.toString().replace('\\', '/')));
    }

    private static Outcome compare(Path to, String... more) {
        return espalier(
                new StringWriter(),
                Stream.concat(
                                Stream.of(
                                        "compare",
                                        lora.toString(),
                                        mixture.toString(),
                                        "--seeds",
                                        "0,7",
                                        "--output",
                                        to.toString()),
                                Stream.of(more))
                        .toArray(String[]::new));
    }

    private static Outcome espalier(StringWriter err, String... arguments) {
        var out = new StringWriter();
        int exitCode = Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    @Test
    void everyRecipeIsTrainedWithEverySeedInAFolderOfItsOwn() {
        assertThat(RUNS).allSatisfy(run -> {
            assertThat(output.resolve("runs").resolve(run).resolve("report.html"))
                    .isNotEmptyFile();
            assertThat(output.resolve("results").resolve(run + ".json")).isNotEmptyFile();
        });
        assertThat(compared.err.lines())
                .anyMatch("Starting run 1 of 4 (lora, seed 0)"::equals)
                .anyMatch(
                        line -> line.matches("Starting run 4 of 4 \\(mixture, seed 7\\), about \\d+ min left in all"));
    }

    @Test
    void theTableSaysWhatTheRunsSay() {
        double loraMean = (accuracy(output, "lora-0") + accuracy(output, "lora-7")) / 2;
        double mixtureMean = (accuracy(output, "mixture-0") + accuracy(output, "mixture-7")) / 2;
        var json = Json.read(output.resolve("comparison.json"));

        assertThat(compared.out.lines())
                .anyMatch(
                        line -> line.matches("recipe +method +rank +trained weights .*difference to lora \\[95 %] .*"))
                .anyMatch(line -> line.matches("lora +lora +2 +.*"))
                .anyMatch(line -> line.matches("mixture +sira +2 +.*"));
        assertThat(json.path("baseline").stringValue()).isEqualTo("lora");
        assertThat(json.path("methods").path(1).path("mean").doubleValue()).isEqualTo(mixtureMean, within(1e-12));
        assertThat(json.path("methods").path(1).path("difference_mean").doubleValue())
                .isEqualTo(mixtureMean - loraMean, within(1e-12));
        assertThat(output.resolve("report.html")).content().contains("things on all-minilm-l6-v2", "trained weights");
        assertThat(output.resolve("comparison.csv")).content().hasLineCount(3);
    }

    private static double accuracy(Path output, String run) {
        return metrics(output, run)
                .get(metrics(output, run).size() - 1)
                .path("accuracy")
                .doubleValue();
    }

    /** The lines of the tests and what went before, without the summary. */
    private static List<JsonNode> metrics(Path output, String run) {
        try (var lines = Files.lines(output.resolve("runs").resolve(run).resolve("metrics.jsonl"))) {
            return lines.map(line -> Json.mapper().readTree(line))
                    .filter(line -> !line.path("kind").stringValue().equals("summary"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theResultOfARunHasTheLayoutOfPeftsComparison() {
        var result = Json.read(output.resolve("results").resolve("mixture-7.json"));

        var run = result.path("run_info");
        assertThat(run.path("created_at").stringValue()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
        assertThat(run.path("experiment_name").stringValue()).isEqualTo("sira/mixture-7");
        assertThat(run.path("train_config").path("seed").intValue()).isEqualTo(7);
        assertThat(run.path("train_config").path("optimizer_kwargs").path("lr").doubleValue())
                .isEqualTo(5e-3);
        assertThat(run.path("peft_config").path("peft_type").stringValue()).isEqualTo("ESPALIER_SIRA");
        var train = result.path("train_info");
        assertThat(train.path("status").stringValue()).isEqualTo("success");
        assertThat(train.path("train_time").doubleValue())
                .isPositive()
                .isLessThan(run.path("total_time").doubleValue());
        assertThat(train.path("accelerator_memory_reserved_avg").longValue())
                .isBetween(50_000_000L, train.path("accelerator_memory_max").longValue());
        // A safetensors file is its numbers and a header.
        assertThat(train.path("file_size").longValue()
                        - 4 * train.path("num_trainable_params").longValue())
                .isBetween(0L, 20_000L);
        assertThat(train.path("num_total_params").longValue()).isGreaterThan(22_000_000);
        var entries = train.path("metrics");
        assertThat(entries.valueStream().map(entry -> entry.path("step").intValue()))
                .containsExactly(2, 4, 4);
        assertThat(entries.path(0).has("valid accuracy")).isTrue();
        var test = entries.path(2);
        assertThat(test.path("test accuracy").doubleValue()).isEqualTo(accuracy(output, "mixture-7"));
        assertThat(test.propertyNames()).contains("train loss", "train samples", "train total tokens");
        assertThat(result.path("meta_info").path("package_info").propertyNames())
                .contains("peft-version", "transformers-version", "datasets-version", "torch-version");
    }

    @Test
    void whatIsFinishedIsNotTrainedAgain() throws IOException {
        var before = Files.getLastModifiedTime(output.resolve("runs/lora-0/metrics.jsonl"));
        var comparison = Files.readString(output.resolve("comparison.json"));

        var again = compare(output);

        assertThat(again.exitCode).as(again.err).isZero();
        assertThat(again.err).isEmpty();
        assertThat(again.out).isEqualTo(compared.out);
        assertThat(Files.getLastModifiedTime(output.resolve("runs/lora-0/metrics.jsonl")))
                .isEqualTo(before);
        assertThat(output.resolve("comparison.json")).hasContent(comparison);
    }

    @Test
    void aComparisonThatWasInterruptedGoesOnAndEndsTheSame() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "an interrupt is sent by a POSIX shell");
        var parts = folder.resolve("parts");
        var err = new Interrupting("step 1 of 4", 2);
        var arguments = new String[] {
            "compare", lora.toString(), mixture.toString(), "--seeds", "0,7", "--output", parts.toString()
        };

        assertThat(Main.execute(arguments, new PrintWriter(new StringWriter()), err))
                .as(String.join("\n", err.lines()))
                .isEqualTo(130);
        assertThat(err.lines())
                .contains("Stopped in run 2 of 4 (mixture, seed 0). The same command goes on from there.");
        assertThat(parts.resolve("comparison.json")).doesNotExist();

        var rest = compare(parts);
        assertThat(rest.exitCode).as(rest.err).isZero();
        assertThat(rest.err)
                .doesNotContain("run 1 of 4")
                .containsPattern("Resuming run 2 of 4 \\(mixture, seed 0\\), about \\d+ min left in all");
        for (var run : RUNS) {
            var adapter = Path.of("runs", run, "adapter", "adapter_model.safetensors");
            assertThat(parts.resolve(adapter)).hasSameBinaryContentAs(output.resolve(adapter));
            assertThat(withoutTimes(parts, run)).isEqualTo(withoutTimes(output, run));
        }
    }

    private static List<Map<String, JsonNode>> withoutTimes(Path output, String run) {
        return metrics(output, run).stream()
                .map(line -> {
                    Map<String, JsonNode> values = new LinkedHashMap<>();
                    line.properties().forEach(entry -> values.put(entry.getKey(), entry.getValue()));
                    values.keySet().removeAll(List.of("tokens_per_second", "memory_mb"));
                    return values;
                })
                .toList();
    }

    @Test
    void aRecipeThatHasChangedSinceIsRefused() {
        var changed = compare(output, "--set", "training.learning-rate=1e-3");

        assertThat(changed.exitCode).isEqualTo(2);
        assertThat(changed.err)
                .isEqualTo("espalier: The run in " + output.resolve("runs/lora-0")
                        + " was started with training.learning-rate 0.005, but now it is 0.001; remove that run, or"
                        + " choose another --output." + System.lineSeparator());
    }

    @Test
    void aFolderThatHoldsSomethingElseIsLeftAlone() throws IOException {
        var other = folder.resolve("other");
        Files.createDirectories(other.resolve("runs/mixture-0"));
        Files.writeString(other.resolve("runs/mixture-0/notes.txt"), "mine");

        var refused = compare(other);

        assertThat(refused.exitCode).isEqualTo(2);
        assertThat(refused.err).contains("runs/mixture-0 holds no run that can be gone on with: it has no recipe");
        assertThat(other.resolve("runs/lora-0")).doesNotExist();
        assertThat(other.resolve("runs/mixture-0/notes.txt")).hasContent("mine");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "lora.yaml copy/lora.yaml | Two recipes are called 'lora': DIR/lora.yaml and DIR/copy/lora.yaml; a recipe's name here is its file's, so give each file one of its own.",
                "lora.yaml missing.yaml | There is no recipe DIR/missing.yaml",
                "lora.yaml tasks.yaml | DIR/lora.yaml and DIR/tasks.yaml can't be compared: tasks.0.test-fraction is 0.25 in the one and 0.5 in the other",
                "lora.yaml metric.yaml | training.metric is not set in the one and macro-f1 in the other",
                "lora.yaml mixture.yaml --seeds 1,2,1 | --seeds names a seed twice: 1,2,1",
                "lora.yaml mixture.yaml --seeds -1 | --seeds has -1; a seed is a whole number from 0 on.",
                "lora.yaml mixture.yaml --seeds x | 'x' is not a whole number",
                "lora.yaml mixture.yaml --baseline mixtur | --baseline mixtur is none of the recipes; did you mean 'mixture'?",
                "head.yaml mixture.yaml | No recipe's method is lora; say by --baseline which of head, mixture the others are compared with.",
                "lora.yaml mixture.yaml --memory 0 | --memory is 0.0; it must be above 0.",
                "lora.yaml mixture.yaml --trained-weights 0 | --trained-weights is 0; it must be at least 1.",
                "lora.yaml mixture.yaml --trained-weights 9215 | DIR/lora.yaml: the method lora trains 9,216 weights even with rank 1, and --trained-weights allows 9,215",
                "lora.yaml mixture.yaml --trained-weights 99999999 | is more than the 22,",
                "lora.yaml head.yaml --trained-weights 20000 | DIR/head.yaml: the method head-only has no rank to fit to a budget of 20,000 trained weights; it has 0.",
                "lora.yaml --set adapter.rank-pattern.query=2 --set adapter.rank-pattern.value=2 --trained-weights 20000 | adapter.rank does not change how many weights are trained, 18,432",
                "lora.yaml mixture.yaml --set tasks.0.test-fraction=0 | Task 'things' has no test rows to compare by",
                "lora.yaml mixture.yaml --set training.metric=pearson | 'pearson' is no metric of a single-label task",
            })
    void wrongInputIsOneSentenceBeforeAnythingIsTrained(String arguments, String sentence) throws IOException {
        Files.createDirectories(folder.resolve("copy"));
        Files.copy(lora, folder.resolve("copy/lora.yaml"), StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(
                folder.resolve("tasks.yaml"),
                Files.readString(lora).replace("test-fraction: 0.25", "test-fraction: 0.5"));
        Files.writeString(
                folder.resolve("metric.yaml"), Files.readString(lora).replace("{steps", "{metric: macro-f1, steps"));
        var nothing = folder.resolve("nothing");
        var words = Stream.of(("compare " + arguments + " --output " + nothing).split(" "))
                .map(word -> word.endsWith(".yaml") ? folder.resolve(word).toString() : word)
                .toArray(String[]::new);

        var refused = espalier(new StringWriter(), words);

        assertThat(refused.exitCode).isEqualTo(2);
        assertThat(refused.err.lines().reduce((first, last) -> last).orElse(""))
                .startsWith("espalier: ")
                .contains(sentence.replace("DIR", folder.toString()));
        assertThat(nothing).doesNotExist();
    }
}
