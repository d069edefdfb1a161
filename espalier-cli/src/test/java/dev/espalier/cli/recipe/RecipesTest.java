package dev.espalier.cli.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.Mixtures;
import dev.espalier.data.Split;
import dev.espalier.error.InputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipesTest {
    private static final String TOPIC = "tasks:\n  - builtin: topic\n";

    @Test
    void whatIsNotWrittenHasItsDefault() {
        var recipe = parse(TOPIC);

        assertThat(recipe.adapter()).isEqualTo(LoraSection.DEFAULT);
        assertThat(recipe.training()).isEqualTo(TrainingSection.DEFAULT);
        assertThat(recipe.model()).isEqualTo(Recipe.DEFAULT.model());
        assertThat(recipe.tasks()).containsExactly(TaskSection.builtin("topic"));
    }

    @Test
    void aMethodBringsItsOwnKeysAndThoseOfTargets() {
        var adapter = (MixtureSection) parse(TOPIC + """
                        adapter:
                          method: sira
                          experts: 8
                          top-k: 2
                          target-modules: all-linear
                          exclude-modules: [pooler.dense]
                        """).adapter();

        assertThat(adapter.experts()).isEqualTo(8);
        assertThat(adapter.topK()).isEqualTo(2);
        assertThat(adapter.rank()).isEqualTo(Mixtures.sira().experts().rank());
        assertThat(adapter.target().targetModules()).isEqualTo(Modules.matching("all-linear"));
        assertThat(adapter.target().excludeModules()).isEqualTo(Modules.named(List.of("pooler.dense")));
    }

    @Test
    void patternsKeepTheirOrder() {
        var adapter = (LoraSection) parse(TOPIC + """
                        adapter:
                          rank-pattern: {z.query: 4, b: 2, a: 16}
                        """).adapter();

        assertThat(adapter.rankPattern().keySet()).containsExactly("z.query", "b", "a");
    }

    @Test
    void numbersMayBeWrittenWithExponents() {
        assertThat(parse(TOPIC + "training: {learning-rate: 5e-4, epochs: 2}").training())
                .extracting(TrainingSection::learningRate, TrainingSection::epochs)
                .containsExactly(5e-4, 2.0);
    }

    @Test
    void aNameThatYamlTakesForSomethingElseStaysText() {
        assertThat(parse("tasks:\n  - builtin: no\n    name: 007").tasks().get(0))
                .extracting(TaskSection::builtin, TaskSection::name)
                .containsExactly("no", "007");
    }

    @Test
    void aTaskBecomesTheLibrarysTask() {
        var task = parse("""
                        tasks:
                          - files: {train: a.csv, test: b.csv}
                            name: mails
                            columns: {text: body, label: tag}
                            kind: multi-label
                        """).tasks().get(0).spec();

        assertThat(task.files()).containsOnlyKeys(Split.TRAIN, Split.TEST);
        assertThat(task.columns().text()).isEqualTo("body");
        assertThat(task.kind()).hasToString("MULTI_LABEL");
        assertThat(task.validationFraction()).isEqualTo(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora",
                "ia3",
                "vera",
                "adalora",
                "melora",
                "lora-sp",
                "xgblora",
                "dynamic-rank-dora",
                "msplora",
                "sira",
                "sparse",
                "shira",
                "spiel",
                "lt-sft",
                "full",
                "adamix",
                "modula",
                "head-only"
            })
    void theTemplateIsTheDefaultRecipe(String method) {
        var recipe = Recipes.parse(Recipes.template(method), "template", List.of());

        assertThat(recipe).isEqualTo(parse("adapter: {method: " + method + "}\ntasks: [{builtin: noun-supersense}]"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora",
                "ia3",
                "vera",
                "adalora",
                "melora",
                "lora-sp",
                "xgblora",
                "dynamic-rank-dora",
                "msplora",
                "sira",
                "modula"
            })
    void whatTheTemplateHoldsInCommentsParsesToo(String method) {
        // Alternatives of each other: a task has one source, so all but one stay comments.
        var uncommented = Recipes.template(method)
                .replaceAll("(?m)^( *)# ((?!file:|sql:|builtin:)[a-z-]+: .+)$", "$1$2")
                .replaceAll("(?m)^( *)# (columns:)$", "$1$2")
                .replaceAll("(?m)^( *)#   ((?:text|text-pair|label|labels|words|split): )", "$1  $2");

        var recipe = Recipes.parse(uncommented, "template", List.of());

        assertThat(recipe.output()).isEqualTo("runs/my-run");
        assertThat(recipe.training().metric()).isEqualTo("macro-f1");
        assertThat(recipe.tasks().get(0).columns().textPair()).isEqualTo("reply");
        assertThat(recipe.tasks().get(0).labelSeparator()).isEqualTo(";");
    }

    @Test
    void aResolvedRecipeReadsBackAsItWas(@TempDir Path folder) {
        var recipe = parse("""
                model: "my \\"models\\"/größe: 1"
                dtype: bf16
                adapter:
                  method: lora
                  target-modules: [query, value]
                  rank-pattern: {"layer\\\\.1\\\\..*": 2}
                  exclude-modules: [a b, "true"]
                  layers-to-transform: [0, 3]
                tasks:
                  - sql: select a as text, 'x, y' as label from 'm.csv'
                    columns: {text: a}
                  - builtin: topic
                    limit: 100
                training: {learning-rate: 1.25e-05, epochs: 0.5, schedule: inverse-sqrt, metric: macro-f1}
                """);

        Recipes.write(recipe, folder.resolve("recipe.yaml"));

        assertThat(Recipes.read(folder.resolve("recipe.yaml"), List.of())).isEqualTo(recipe);
    }

    @Test
    void overridesReachSectionsListItemsAndMissingKeys() {
        var recipe = Recipes.parse(
                TOPIC + "adapter: {rank: 4}\n",
                "r.yaml",
                List.of(
                        "adapter.rank=16",
                        "training.steps=10",
                        "tasks.0.limit=50",
                        "adapter.target-modules=[query, key]",
                        "adapter.rank-pattern={a.b: 3}"));

        var adapter = (LoraSection) recipe.adapter();
        assertThat(adapter.rank()).isEqualTo(16);
        assertThat(adapter.target().targetModules().values()).containsExactly("query", "key");
        assertThat(adapter.rankPattern()).containsEntry("a.b", 3);
        assertThat(recipe.training().steps()).isEqualTo(10);
        assertThat(recipe.tasks().get(0).limit()).isEqualTo(50);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "adapter: {rnak: 4} | r.yaml:3:11: unknown key 'rnak' in adapter; did you mean 'rank'?",
                "adaptr: {rank: 4} | r.yaml:3:1: unknown key 'adaptr'; did you mean 'adapter'?",
                "adapter: {experts: 4} | r.yaml:3:11: the key 'experts' belongs to the methods 'sira', 'lora-smoe', 'molora' and 13 more, and the method here is 'lora'; remove the key or change adapter.method.",
                "adapter: {method: sirra} | r.yaml:3:19: adapter.method is 'sirra', which is none of lora, ia3, vera, adalora, melora, lora-sp, xgblora, dynamic-rank-dora, increlora, msplora, mora, sira, lora-smoe, molora, mov, loramoe, mola, hilo, adamole, hydralora, mosld, mode, smora, goat, riemannian-mole, moa, flix, adamix, modula, tt-lora-moe, mlae, sparse, shira, spiel, lt-sft, full, head-only; did you mean 'sira'?",
                "adapter: {method: sira, top-k: 20} | r.yaml:3:10: adapter: top-k 20 is more than the 16 experts; a token can be given each expert once.",
                "adapter: {method: modula, stage-shares: [0.5, 0.5]} | r.yaml:3:10: adapter: stage-shares must be 3 numbers above 0 that add up to 1, for universal, experts, router, not [0.5, 0.5].",
                "adapter: {method: modula, renormalise: true} | r.yaml:3:10: adapter: With top-k 1 and renormalise every gate is 1, so a router that trains by itself would learn nothing; set renormalise to false, or raise top-k.",
                "adapter: {rank: -1} | r.yaml:3:17: adapter.rank is -1; it must be at least 1.",
                "adapter: {rank: 1.5} | r.yaml:3:17: adapter.rank must be a whole number, not '1.5'.",
                "adapter: {rank: 99999999999} | r.yaml:3:17: adapter.rank is too large: 99999999999.",
                "adapter: {dropout: 1} | r.yaml:3:20: adapter.dropout is 1; it must be at least 0 and below 1.",
                "adapter: {rank-pattern: {q: 0}} | r.yaml:3:29: adapter.rank-pattern.q is 0; it must be at least 1.",
                "adapter: {rslora: yes} | r.yaml:3:19: adapter.rslora must be true or false, not 'yes'.",
                "adapter: [lora] | r.yaml:3:10: adapter must be a section of keys, not a list.",
                "dtype: fp23 | r.yaml:3:8: dtype is 'fp23', which is none of fp32, bf16; did you mean 'fp32'?",
                "training: {schedule: cosin} | r.yaml:3:22: training.schedule is 'cosin', which is none of constant, linear, cosine, inverse-sqrt; did you mean 'cosine'?",
                "training: {optimizer: adam} | r.yaml:3:23: training.optimizer is 'adam', which is none of adamw, adafactor; did you mean 'adamw'?",
                "training: {learning-rate: fast} | r.yaml:3:27: training.learning-rate must be a number, not 'fast'.",
                "training: {epochs: [1, 2]} | r.yaml:3:20: training.epochs must be a single value, not a list.",
                "tasks: [{builtin: a}] | r.yaml:3:1: the key 'tasks' is there twice; keep one of them.",
                "model: a: b | r.yaml:3:9: this is not YAML: mapping values are not allowed here.",
                "model: *other | r.yaml:3:8: recipes know no aliases; write the value out instead of *other.",
            })
    void whatIsWrongIsSaidWithItsPlaceAndWhatWouldBeRight(String line, String message) {
        assertThatThrownBy(() -> parse(TOPIC + line + "\n"))
                .isInstanceOf(InputException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "model: m | r.yaml:1:1: the key 'tasks' is missing; add it, for example tasks: [{builtin: noun-supersense}].",
                "tasks: topic | r.yaml:1:8: tasks must be a list, such as [a, b], or lines that begin with '- '.",
                "tasks: [topic] | r.yaml:1:9: tasks.0 must be a section of keys, not 'topic'.",
                "tasks: [] | r.yaml: tasks is empty; give at least one, such as - builtin: noun-supersense.",
                "tasks: [{builtin: topic, columns: {txt: a}}] | r.yaml:1:36: unknown key 'txt' in tasks.0.columns; did you mean 'text'?",
            })
    void aRecipeNeedsTasks(String recipe, String message) {
        assertThatThrownBy(() -> parse(recipe))
                .isInstanceOf(InputException.class)
                .hasMessage(message);
    }

    @Test
    void anUnknownKeyThatIsNearNoneIsAnsweredWithAllThereAre() {
        assertThatThrownBy(() -> parse(TOPIC + "adapter: {expert: 4}\n"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("r.yaml:3:11: unknown key 'expert' in adapter; there are ")
                .hasMessageContaining("alpha, ")
                .hasMessageNotContaining("did you mean");
    }

    @Test
    void aTaskNeedsOneSource() {
        assertThatThrownBy(() -> parse("tasks:\n  - builtin: topic\n    file: a.csv"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("r.yaml:2:5: tasks.0: ")
                .hasMessageContaining("2 sources");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "adapter.rank=x | --set adapter.rank=x: adapter.rank must be a whole number, not 'x'.",
                "adapter.rnak=4 | --set adapter.rnak=4: unknown key 'rnak' in adapter; did you mean 'rank'?",
                "adapter | --set adapter: write it as key=value, for example --set training.epochs=5.",
                "tasks.3.limit=4 | --set tasks.3.limit=4: there is no item 3; the list has 1, counted from 0.",
                "tasks.0.builtin.x=4 | --set tasks.0.builtin.x=4: 'x' would be a key of the value 'topic' (r.yaml:2:14), which has none.",
                "adapter.target-modules=[a | --set adapter.target-modules=[a: this is not YAML: expected ',' or ']', but got <stream end>.",
            })
    void aWrongOverrideIsNamed(String override, String message) {
        assertThatThrownBy(() -> Recipes.parse(TOPIC, "r.yaml", List.of(override)))
                .isInstanceOf(InputException.class)
                .hasMessage(message);
    }

    @Test
    void filesThatCannotBeReadAreNamed(@TempDir Path folder) throws Exception {
        var missing = folder.resolve("missing.yaml");
        var latin = Files.write(folder.resolve("latin.yaml"), "model: größe".getBytes(StandardCharsets.ISO_8859_1));

        assertThatThrownBy(() -> Recipes.read(missing, List.of()))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "There is no recipe " + missing + "; `espalier recipe --template` prints one to start from.");
        assertThatThrownBy(() -> Recipes.read(latin, List.of()))
                .isInstanceOf(InputException.class)
                .hasMessage(latin + " is not UTF-8 text; a recipe must be.");
    }

    private static Recipe parse(String text) {
        return Recipes.parse(text, "r.yaml", List.of());
    }
}
