package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts for two tasks of a few words, merged, and scored on a third. */
class StudyMergeCommandTest {
    private static final List<String> EXPERTS = List.of("things", "choices");

    @TempDir
    private static Path folder;

    private static Path study;
    private static Path output;
    private static Outcome done = new Outcome(-1, "", "");

    private record Outcome(int exitCode, String out, String err) {}

    @BeforeAll
    static void carryOut() throws IOException {
        var things = words("animal", "dog", "cat", "horse", "lion", "eagle", "trout", "wolf", "goat")
                + words("tool", "hammer", "saw", "drill", "axe", "chisel", "wrench", "file", "lathe");
        Files.writeString(folder.resolve("things.csv"), "text,label\n" + things);
        Files.writeString(folder.resolve("others.csv"), "text,label\n" + things.replace("a ", "one "));
        Files.writeString(
                folder.resolve("choices.jsonl"),
                IntStream.range(0, 16)
                        .mapToObj(i -> "{\"input\": \"row " + i + " is about\", \"candidates\": [\"row " + i
                                + "\", \"something else\"], \"output\": 0}\n")
                        .collect(Collectors.joining()));
        study = Files.writeString(folder.resolve("study.yaml"), """
                held-in:
                  - {file: FOLDER/things.csv, test-fraction: 0.25, label-descriptions: {animal: a beast, tool: a tool}}
                  - {file: FOLDER/choices.jsonl, kind: choice, test-fraction: 0.25}
                held-out:
                  - {file: FOLDER/others.csv, test-fraction: 0.25}
                validation-fraction: 0.2
                experts:
                  - name: lora
                    adapter: {method: lora, rank: 2}
                    set: [training.learning-rate=1e-2]
                    multitask: true
                  - name: full
                    adapter: {method: full}
                    merges: [average]
                merges:
                  - {method: average}
                  - {method: ties, name: trimmed, density: 0.5, choose-lambda: [0.5, 1]}
                counts: [1, 2]
                draws: 2
                training: {steps: 2, batch-size: 4, learning-rate: 1e-3, max-tokens: 16}
                """.replace(
                        "FOLDER", folder.toString().replace('\\', '/')));
        output = folder.resolve("whole");
        done = study(output);
        assertThat(done.exitCode).as(done.err).isZero();
    }

    private static String words(String label, String... words) {
        return Stream.of(words).map(word -> "a " + word + "," + label + "\n").collect(Collectors.joining());
    }

    private static Outcome study(Path to, String... more) {
        var out = new StringWriter();
        var err = new StringWriter();
        int exitCode = Main.execute(arguments(to, more), new PrintWriter(out), new PrintWriter(err));
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    private static String[] arguments(Path to, String... more) {
        return Stream.concat(Stream.of("study", "merge", study.toString(), "--output", to.toString()), Stream.of(more))
                .toArray(String[]::new);
    }

    @Test
    void expertsTablesAndCurvesAreWritten() {
        assertThat(List.of("lora/things", "lora/choices", "lora/all-tasks", "full/things", "full/choices"))
                .allSatisfy(expert -> assertThat(
                                output.resolve("experts").resolve(expert).resolve("adapter"))
                        .isDirectory());
        assertThat(output.resolve("experts/full/all-tasks")).doesNotExist();
        assertThat(done.out.lines())
                .anyMatch(line -> line.matches("experts +method +held in 1 .*held out 2"))
                .anyMatch(line -> line.matches("– +bare model +.*"))
                .anyMatch(line -> line.matches("lora +multitask training +.*"))
                .anyMatch(line -> line.matches("lora +trimmed +.*"))
                .noneMatch(line -> line.matches("full +trimmed +.*"));
        var json = Json.read(output.resolve("merges.json"));
        assertThat(json.path("metric").stringValue()).isEqualTo("accuracy");
        assertThat(json.path("curves").size()).isEqualTo(1 + 4 + 2);
        assertThat(output.resolve("report.html")).content().contains("Experts: lora", "Merged by average");
        assertThat(output.resolve("study.yaml")).content().contains("choose-lambda: [0.5, 1]");
        var recipe = output.resolve("experts/lora/things/recipe.yaml");
        assertThat(recipe).content().contains("head: label-embeddings", "learning-rate: 0.01");
    }

    @Test
    void whatIsThereIsNotMadeAgainAndAnExpertOfItIsAnAdapterLikeAnyOther() throws IOException {
        var scores = Files.readString(output.resolve("scores.jsonl"));
        var again = study(output);
        assertThat(again.exitCode).as(again.err).isZero();
        assertThat(again.err).isEmpty();
        assertThat(again.out).isEqualTo(done.out);
        assertThat(output.resolve("scores.jsonl")).hasContent(scores);

        var out = new StringWriter();
        var predict = new String[] {
            "predict", output.resolve("experts/lora/choices").toString(), "row 3 is about\trow 3\tsomething else"
        };
        assertThat(Main.execute(predict, new PrintWriter(out), new PrintWriter(new StringWriter())))
                .isZero();
        assertThat(out.toString()).matches("(row 3|something else)\t[01]\\.\\d{4}\n");
    }

    @ParameterizedTest
    @CsvSource({"step 1 of 2, 2", "Testing, 3", "Scoring 4 of, 1"})
    void aStudyThatWasInterruptedGoesOnAndEndsTheSame(String at, int times) throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "an interrupt is sent by a POSIX shell");
        var parts = folder.resolve("parts " + times);
        var err = new Interrupting(at, times);
        assertThat(Main.execute(arguments(parts), new PrintWriter(new StringWriter()), err))
                .as(String.join("\n", err.lines()))
                .isEqualTo(130);
        assertThat(parts.resolve("merges.json")).doesNotExist();

        var rest = study(parts);
        assertThat(rest.exitCode).as(rest.err).isZero();
        assertThat(rest.err).doesNotContain("run 1 of 5");
        assertThat(parts.resolve("merges.json")).hasSameTextualContentAs(output.resolve("merges.json"));
        for (var expert : EXPERTS) {
            var adapter = Path.of("experts/lora", expert, "adapter/adapter_model.safetensors");
            assertThat(parts.resolve(adapter)).hasSameBinaryContentAs(output.resolve(adapter));
        }
    }

    @Test
    void aDecoderWritesTextsThatAreScoredByRougeL() throws IOException {
        var rows = "prompt,completion\n"
                + words("tail", "dog", "cat", "cow", "pig", "fox", "owl", "bee", "ant")
                        .replace(",", " has,a ");
        Files.writeString(folder.resolve("tails.csv"), rows);
        Files.writeString(folder.resolve("heads.csv"), rows.replace("tail", "head"));
        var decoders = Files.writeString(
                folder.resolve("decoders.yaml"),
                """
                model: MODEL
                held-in:
                  - {file: FOLDER/tails.csv, test-fraction: 0.25}
                  - {file: FOLDER/heads.csv, test-fraction: 0.25}
                held-out: []
                experts: [{name: lora, adapter: {method: lora, rank: 2}}]
                merges: [{method: ties}]
                counts: [2]
                training: {steps: 1, batch-size: 4, max-tokens: 32, generate-tokens: 3}
                """.replace("FOLDER", folder.toString().replace('\\', '/')).replace(
                        "MODEL",
                        Path.of("..", "examples", "stories260K").toString().replace('\\', '/')));
        var to = folder.resolve("decoders");
        var err = new StringWriter();
        var arguments = new String[] {"study", "merge", decoders.toString(), "--output", to.toString()};
        assertThat(Main.execute(arguments, new PrintWriter(new StringWriter()), new PrintWriter(err)))
                .as(err.toString())
                .isZero();
        assertThat(Json.read(to.resolve("merges.json")).path("metric").stringValue())
                .isEqualTo("ROUGE-L");
        assertThat(Files.readString(to.resolve("scores.jsonl")))
                .contains("rouge_l")
                .doesNotContain("accuracy");

        var silent = new StringWriter();
        var without = new String[] {
            "study", "merge", decoders.toString(), "--output", "none", "--set", "training.generate-tokens=0"
        };
        assertThat(Main.execute(without, new PrintWriter(new StringWriter()), new PrintWriter(silent)))
                .isEqualTo(2);
        assertThat(silent.toString()).contains("Texts are scored by ROUGE-L; set training.generate-tokens");
    }

    @Test
    void scoresOfOtherRowsAreNotMixedWithThose() {
        var other = study(output, "--set", "rows=3");
        assertThat(other.exitCode).isEqualTo(2);
        assertThat(other.err).contains("scores.jsonl were made with rows of a task 0, but now it is 3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "merges.0.method=avarage | no merge method 'avarage'. Did you mean 'average'?",
                "merges.1.density=2 | merges.1.density is 2; it must be above 0 and at most 1.",
                "merges.1.name=average | merges has two called 'average'; give each a name of its own.",
                "counts=[3] | counts has 3, but there are 2 held-in tasks",
                "experts.1.name=lora | experts has two called 'lora'; give each a name of its own.",
                "experts.1.name=a/b | a folder can't be called",
                "experts.1.merges=[tied] | merged by 'tied', which is none of merges; did you mean 'trimmed'?",
                "experts.0.set=[training.epoch=2] | unknown key 'epoch'",
                "experts=[] | experts is empty",
                "draw=2 | unknown key 'draw'; did you mean 'draws'?",
                "validation-fraction=0 | no validation rows to choose lambda by"
            })
    void whatIsWrongIsSaidBeforeAnythingIsTrained(String change, String message) {
        var wrong = folder.resolve("wrong");
        var outcome = study(wrong, "--set", change);
        assertThat(outcome.exitCode).as(outcome.err).isEqualTo(2);
        assertThat(outcome.err).contains(message);
        assertThat(wrong).doesNotExist();
    }
}
