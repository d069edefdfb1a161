package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several recipes and seeds that one command trains at once. */
class SideBySideTest {
    private static final List<String> RUNS = List.of("lora-0", "lora-3", "sira-0", "sira-3");

    @TempDir
    private Path folder;

    private record Outcome(int exitCode, String out, String err) {}

    @BeforeEach
    void writeRecipes() throws IOException {
        Files.writeString(
                folder.resolve("words.csv"),
                "text,label\n" + "a dog,animal\na cat,animal\na saw,tool\nan axe,tool\n".repeat(5));
        recipe("lora", "{method: lora, rank: 2}");
        recipe("sira", "{method: sira, rank: 2, experts: 4, top-k: 2}");
    }

    private void recipe(String name, String adapter) throws IOException {
        Files.writeString(folder.resolve(name + ".yaml"), """
                adapter: %s
                tasks:
                  - {name: words, file: %s, validation-fraction: 0.2, test-fraction: 0.2}
                training: {steps: 4, batch-size: 4, evaluate-every: 2, max-tokens: 16}
                """.formatted(
                        adapter, folder.resolve("words.csv").toString().replace('\\', '/')));
    }

    private Outcome train(String... more) {
        var out = new StringWriter();
        var err = new StringWriter();
        var arguments = Stream.concat(
                Stream.of(
                        "train",
                        folder.resolve("lora.yaml").toString(),
                        folder.resolve("sira.yaml").toString(),
                        "--output",
                        folder.resolve("runs").toString()),
                Stream.of(more));
        int exitCode = Main.execute(arguments.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err));
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    @Test
    void everyRecipeIsTrainedWithEverySeed() {
        var trained = train("--seeds", "0,3");
        assertThat(trained.exitCode).as(trained.err).isZero();
        assertThat(RUNS).allSatisfy(run -> {
            assertThat(folder.resolve("runs").resolve(run).resolve("report.html"))
                    .isNotEmptyFile();
            assertThat(trained.out).contains(run);
            assertThat(trained.err.lines()).anyMatch(line -> line.startsWith(run + ": step 4 of 4"));
        });
        assertThat(folder.resolve("runs/report.html")).isNotEmptyFile();
        assertThat(folder.resolve("runs/lora-3/recipe.yaml")).content().contains("seed: 3");

        var again = train("--seeds", "0,3");
        assertThat(again.exitCode).isZero();
        assertThat(again.err).doesNotContain("Starting").doesNotContain("Resuming");
        assertThat(again.out).isEqualTo(trained.out);
    }

    @Test
    void withoutSeedsEachRecipeHasAFolder() {
        var trained = train("--at-once", "1");
        assertThat(trained.exitCode).as(trained.err).isZero();
        assertThat(folder.resolve("runs/lora/adapter")).isDirectory();
        assertThat(folder.resolve("runs/sira/adapter")).isDirectory();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--at-once=-1 | --at-once is -1; it must be at least 1, or 0 for as many as there are cores.",
                "--seeds=1,1 | --seeds names a seed twice: 1,1; give each once.",
                "--seeds=, | --seeds names no seed; give whole numbers from 0 on, such as 0,1,2.",
                "--seeds=-2 | --seeds has -2; a seed is a whole number from 0 on.",
                "--set=training.learning-rate=1e30 | : Training diverged at step"
            })
    void whatIsWrongIsOneSentence(String option, String message) {
        var refused = train(option);
        assertThat(refused.exitCode).isEqualTo(2);
        assertThat(refused.err).contains(message).doesNotContain("Exception");
    }
}
