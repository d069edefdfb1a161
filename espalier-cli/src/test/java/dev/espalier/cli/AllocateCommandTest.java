package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.PercentileRule;
import dev.espalier.allocation.Sensitivities;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllocateCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private Path sensitivity = Path.of("");

    @BeforeEach
    void measure() throws IOException {
        sensitivity = Files.writeString(folder.resolve("s.json"), """
                {"one": {"h.0.attn.q": 4, "h.0.mlp.up": 9, "h.1.attn.q": 2, "h.1.mlp.up": 1},
                 "two": {"h.0.attn.q": 1, "h.0.mlp.up": 9, "h.1.attn.q": 5, "h.1.mlp.up": 8}}
                """);
    }

    @Test
    void sensitivitiesBecomeAnAllocationWithoutAModel() throws IOException {
        var output = folder.resolve("new/experts.json");

        assertThat(allocate(
                        "--rule", "percentile", "--group", "attention", "--keep", "60", "--output", output.toString()))
                .as(err.toString())
                .isZero();

        // Half of two: the lower one is the percentile's lower end.
        assertThat(Files.readString(output).lines().map(String::strip))
                .containsExactly(
                        "{",
                        "\"h.0.attn.q\" : 1,",
                        "\"h.0.mlp.up\" : 0,",
                        "\"h.1.attn.q\" : 1,",
                        "\"h.1.mlp.up\" : 0",
                        "}");
        assertThat(out.toString())
                .contains("layer  q  up  total", "2 experts in 2 of 4 matrices.", "Written: " + output);
        assertThat(folder.resolve("new/experts.html")).content().contains("h.0.attn.q: 1 experts", "Sensitivity");
        assertThat(folder.resolve("new/experts.sensitivity.json")).doesNotExist();
    }

    @Test
    void anAllocationThatExistsIsNotOverwritten() throws IOException {
        var output = Files.writeString(folder.resolve("mine.json"), "mine");

        assertThat(allocate("--keep", "50", "--output", output.toString())).isEqualTo(2);

        assertThat(err.toString()).contains("mine.json exists already");
        assertThat(output).hasContent("mine");

        var page = Files.writeString(folder.resolve("other.html"), "mine");
        assertThat(allocate(
                        "--keep", "50", "--output", folder.resolve("other.json").toString()))
                .isEqualTo(2);
        assertThat(page).hasContent("mine");
        assertThat(folder.resolve("other.json")).doesNotExist();
    }

    @Test
    void aBudgetIsSharedOutBetweenBounds() {
        assertThat(counts("--rule", "proportional", "--budget", "9", "--minimum", "1", "--maximum", "3"))
                .containsValues(3)
                .satisfies(counts -> assertThat(
                                counts.values().stream().mapToInt(n -> n).sum())
                        .isEqualTo(9));
    }

    @Test
    void aTableIsTakenAsItIsIfItFits() throws IOException {
        var table = folder.resolve("table.json");
        Files.writeString(table, "{\"h.0.attn.q\": 4, \"h.0.mlp.up\": 0, \"h.1.mlp.up\": 1, \"h.1.attn.q\": 2}");
        assertThat(counts("--rule", "table", "--table", table.toString()))
                .isEqualTo(Map.of("h.0.attn.q", 4, "h.0.mlp.up", 0, "h.1.attn.q", 2, "h.1.mlp.up", 1));

        Files.writeString(table, "{\"h.0.attn.q\": 4, \"h.2.attn.q\": 2}");
        assertThat(allocate("--rule", "table", "--table", table.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("for another model", "'h.2.attn.q'");
    }

    @Test
    void withAModelTrainedWeightsAreCounted() {
        assertThat(run(
                        "allocate",
                        "--model",
                        "all-minilm-l6-v2",
                        "--rule",
                        "depth",
                        "--by-depth",
                        "4,2,0",
                        "--group",
                        "attention",
                        "--output",
                        folder.resolve("depth.json").toString()))
                .as(err.toString())
                .isZero();

        assertThat(folder.resolve("depth.html"))
                .content()
                .contains("48 experts in 16 of 36 matrices.", "<svg")
                .doesNotContain("Sensitivity");
        // 4 matrices of [384, 384] in each of 6 layers; r 8; layers 0, 1 get 4, layers 2, 3 get 2.
        long four = 8 * 384 + 4 * 8 * 384 + 4 * 384;
        long two = 8 * 384 + 2 * 8 * 384 + 2 * 384;
        assertThat(out.toString())
                .contains("48 experts in 16 of 36 matrices.")
                .contains("Trained weights: " + TensorTable.count(8 * four + 8 * two) + ".")
                .contains("LoRA of rank 8 on the group: " + TensorTable.count(24 * 8 * 768) + ".")
                .contains("Uniform, with 4 for every matrix of the group: " + TensorTable.count(24 * four) + ".");
    }

    @Test
    void sensitivitiesOfAnotherModelAreRefused() {
        assertThat(allocate("--model", "all-minilm-l6-v2", "--keep", "50")).isEqualTo(2);

        assertThat(err.toString()).contains("sensitivities are another model's", "'h.0.attn.q'");
    }

    @Test
    void aRecipesTasksAreMeasuredAndAllTheFilesWritten() throws IOException {
        var output = folder.resolve("experts.json");

        assertThat(run(
                        "allocate",
                        recipe().toString(),
                        "--group",
                        "attention",
                        "--keep",
                        "50",
                        "--samples",
                        "4",
                        "--set",
                        "training.batch-size=4",
                        "--output",
                        output.toString()))
                .as(err.toString())
                .isZero();

        var allocation = Allocation.read(output);
        var measured = Sensitivities.read(folder.resolve("experts.sensitivity.json"));
        assertThat(allocation.modules()).hasSize(36).isEqualTo(measured.modules());
        assertThat(allocation).isEqualTo(new PercentileRule(50, Grouping.ATTENTION).allocate(measured));
        assertThat(allocation.total()).isEqualTo(12);
        assertThat(folder.resolve("experts.html")).content().contains("<svg", "things", "attention.output.dense");
        assertThat(out.toString())
                .contains("12 experts in 12 of 36 matrices.", "Trained weights: ", "LoRA of rank 8 on the group: ")
                .containsPattern("Task things, 4 rows: \\d+ of its 12 matrices are chosen by half of them too")
                .containsPattern("Peak memory of measuring: [\\d,]+ MB\\.")
                .contains("Written: " + output, "experts.sensitivity.json", "experts.html");
        assertThat(err.toString()).contains("Training the new head alone", "Measuring the gradients of things");

        assertThat(run("allocate", recipe().toString(), "--keep", "50", "--output", output.toString()))
                .isEqualTo(2);
        assertThat(err.toString()).contains("experts.json exists already");
    }

    @Test
    void tooFewRowsToTellHowStableAChoiceIsAreSaid() throws IOException {
        assertThat(run(
                        "allocate",
                        recipe().toString(),
                        "--keep",
                        "50",
                        "--samples",
                        "6",
                        "--blockwise",
                        "--raw-head",
                        "--output",
                        folder.resolve("few.json").toString()))
                .as(err.toString())
                .isZero();

        assertThat(out.toString())
                .contains("rows: too few to tell how stable the choice is.")
                .doesNotContain("overlap");
    }

    @Test
    void aRecipeThatNeedsNoMeasuringIsRefused() throws IOException {
        assertThat(run("allocate", recipe().toString(), "--rule", "depth")).isEqualTo(2);

        assertThat(err.toString()).contains("there is nothing to measure; give --model");
    }

    @Test
    void aBudgetThatCannotHoldIsRefusedBeforeAnythingIsMeasured() throws IOException {
        assertThat(run("allocate", recipe().toString(), "--rule", "proportional", "--budget", "20", "--minimum", "1"))
                .isEqualTo(2);

        assertThat(err.toString())
                .contains("The budget of 20 is smaller than the 36 that the minimum of 1")
                .doesNotContain("Training the new head", "Measuring");
    }

    private Path recipe() throws IOException {
        var data = Files.writeString(folder.resolve("things.csv"), """
                text,label
                a dog,animal
                a cat,animal
                a goat,animal
                a hammer,tool
                a saw,tool
                an axe,tool
                """);
        return Files.writeString(
                folder.resolve("things.yaml"),
                "tasks:\n  - {name: things, file: " + data.toString().replace('\\', '/') + "}\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--keep 101 | The percentage of matrices to keep must be between 0 and 100, not 101.0.",
                "--keep x | Invalid value for option '--keep': ''x'' is not a number. See espalier allocate --help.",
                "--rule uniform | The rule uniform needs --count.",
                "--rule uniform --count 2 --keep 3 | --keep goes with the rule percentile, not with uniform.",
                "--rule percent | Invalid value for option '--rule': ''percent'' is none of percentile, proportional, depth, uniform, table; did you mean ''percentile''? See espalier allocate --help.",
                "--rule proportional | The rule proportional needs either --budget or --weights.",
                "--rule proportional --budget 3 --minimum 1 | The budget of 3 is smaller than the 4 that the minimum of 1 for each of 4 matrices takes.",
                "--keep 50 --samples 9 | --set, --samples, --blockwise and --raw-head say how to measure; give a recipe to measure with.",
                "--keep 50 my.yaml | A recipe has its own model and is measured now; leave --sensitivity or the recipe out.",
                "--rule depth | The 2 layers cannot be cut into 4 parts; give fewer numbers.",
            })
    void wrongInputIsOneSentence(String arguments, String sentence) {
        assertThat(allocate(arguments.split(" "))).isEqualTo(2);

        assertThat(err.toString()).isEqualTo("espalier: " + sentence.replace("''", "'") + System.lineSeparator());
        assertThat(out.toString()).isEmpty();
    }

    private Map<String, Integer> counts(String... arguments) {
        var output = folder.resolve("counts.json");
        var all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--output", output.toString()));
        assertThat(allocate(all.toArray(String[]::new))).as(err.toString()).isZero();
        return Allocation.read(output).counts();
    }

    private int allocate(String... arguments) {
        var all = new ArrayList<>(List.of("allocate", "--sensitivity", sensitivity.toString()));
        all.addAll(List.of(arguments));
        return run(all.toArray(String[]::new));
    }

    private int run(String... arguments) {
        return Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
    }
}
