package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A library of adapters as a user makes and asks it. */
class LibraryCommandTest {
    private static final Path STORIES = Path.of("..", "examples", "stories260K");
    private static final List<String> THINGS = List.of("dog", "cat", "goat", "wolf", "hammer", "saw", "drill", "axe");
    private static final List<String> PLACES =
            List.of("Rome", "Oslo", "Lima", "Cairo", "Alps", "Andes", "Etna", "Fuji");

    @TempDir
    private static Path folder;

    private static Path things;
    private static Path places;
    private static Path library;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void trainAndAdd() throws IOException {
        var own = new LibraryCommandTest();
        things = own.train("things", THINGS, "the animal or the tool called %s", "animal", "tool");
        places = own.train("places", PLACES, "I travelled to %s by train", "city", "mountain");
        library = folder.resolve("library");
        assertThat(own.run("library", "add", library.toString(), things.toString(), places.toString()))
                .as(own.err.toString())
                .isZero();
        assertThat(own.out.toString())
                .containsPattern("things +sentence-transformers/all-MiniLM-L6-v2 +things +12 +4 +5\n")
                .containsPattern("places +sentence-transformers/all-MiniLM-L6-v2 +places +12 +4 +5\n");
    }

    private Path train(String name, List<String> words, String text, String first, String second) throws IOException {
        var data = Files.writeString(
                folder.resolve(name + ".csv"),
                words.stream()
                        .map(word ->
                                String.format(text, word) + "," + (words.indexOf(word) < 4 ? first : second) + "\n")
                        .collect(Collectors.joining("", "text,label\n", "")));
        var recipe = Files.writeString(folder.resolve(name + ".yaml"), """
                adapter: {rank: 4}
                tasks:
                  - {name: %s, file: %s, validation-fraction: 0.2, test-fraction: 0.2}
                training: {steps: 6, batch-size: 4, learning-rate: 5e-3, max-tokens: 16}
                """.formatted(
                        name, data.toString().replace('\\', '/')));
        var target = folder.resolve("runs").resolve(name);
        assertThat(run("train", recipe.toString(), "--output", target.toString()))
                .as(err.toString())
                .isZero();
        out.getBuffer().setLength(0);
        return target;
    }

    private int run(String... arguments) {
        return Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
    }

    private String done(String... arguments) {
        out.getBuffer().setLength(0);
        assertThat(run(arguments)).as(err.toString()).isZero();
        return out.toString();
    }

    @Test
    void whatIsInALibraryIsListedAndInspected() {
        var list = done("library", "list", library.toString());

        assertThat(list).contains("adapter  base model", "things", "places");
        assertThat(done("inspect", library.toString())).endsWith(list);
        assertThat(library.resolve("adapters/things/recipe.yaml")).exists();
    }

    @Test
    void aTextComesToTheAdapterOfItsKind() {
        var routed = done(
                "library",
                "route",
                library.toString(),
                "--route",
                "retrieve",
                "--route-top-k",
                "1",
                "--answer",
                "the tool called spade",
                "we travelled to Paris");

        assertThat(routed.lines())
                .anyMatch(line -> line.matches("the tool called spade +things +0\\.\\d+ +1\\.000"))
                .anyMatch(line -> line.matches(" +places +-?0\\.\\d+ +0\\.000"))
                .anyMatch(line -> line.matches("we travelled to Paris +places +0\\.\\d+ +1\\.000"))
                .anyMatch(line -> line.matches("the tool called spade +things +things +(animal|tool) [01]\\.\\d+"))
                .anyMatch(line -> line.matches("we travelled to Paris +places +places +(city|mountain) [01]\\.\\d+"));
        assertThat(done("library", "route", library.toString(), "a dog").lines())
                .anyMatch(line -> line.matches("a dog +\\w+ +[01]\\.\\d+ +1\\.000"))
                .hasSize(4);
    }

    @Test
    void aLibraryIsEvaluatedAndAsksAsAnAdapterDoes() throws IOException {
        var scores = folder.resolve("scores.json");
        var table = done(
                "evaluate",
                library.toString(),
                "--route",
                "retrieve",
                "--route-top-k",
                "1",
                "--json",
                scores.toString());
        assertThat(table.lines())
                .anyMatch(line -> line.matches("things +2 +accuracy .*"))
                .anyMatch(line -> line.matches("places +2 +accuracy .*"));
        assertThat(Json.read(scores).valueStream().map(task -> task.path("task").asString()))
                .containsExactly("things", "places");

        // Texts of one kind come to its adapter, so that the scores are the adapter's own.
        assertThat(table)
                .contains(done("evaluate", places.toString()).lines().skip(2).toList());
        assertThat(done("evaluate", library.toString())).contains("things", "places");

        var text = "I travelled to Bonn by train";
        String[] asked = {"predict", library.toString(), "--task", "places", "--route", "retrieve", "--route-top-k"};
        assertThat(done(with(asked, "1", text))).isEqualTo(done("predict", places.toString(), text));
        assertThat(done(with(asked, "2", text))).isNotEqualTo(done("predict", places.toString(), text));
    }

    private static String[] with(String[] arguments, String... more) {
        return Stream.of(arguments, more).flatMap(Arrays::stream).toArray(String[]::new);
    }

    @Test
    void adaptersAreAddedByNameReplacedAndTakenOut() throws IOException {
        var own = folder.resolve("own").toString();
        var samples = Files.writeString(folder.resolve("samples.txt"), "one\ntwo\n");
        var adapter = things.resolve("adapter").toString();

        done("library", "add", own, adapter, "--name", "first", "--samples", samples.toString());
        assertThat(done("library", "add", own, adapter, "--no-samples")).containsPattern("things .* none\n");
        assertThat(run("library", "add", own, adapter)).isEqualTo(2);
        assertThat(err.toString()).contains("There is an adapter 'things' in " + own + " already; replace it");
        assertThat(done("library", "add", own, adapter, "--replace", "--sample-count", "3"))
                .containsPattern("first .* 2\n")
                .containsPattern("things .* 3\n");
        assertThat(done("library", "remove", own, "first"))
                .doesNotContain("first")
                .contains("things");
    }

    @Test
    void promptsOfACausalModelAreContinuedByTheAdaptersTheyAreNearestTo() throws IOException {
        var dogs = stories("dogs", 2);
        var cooks = stories("cooks", 5);
        var own = folder.resolve("stories-library").toString();
        var ofDogs = Files.writeString(folder.resolve("dogs.txt"), "Tom had a dog\nThe dog barked\n");
        var ofCooks = Files.writeString(folder.resolve("cooks.txt"), "Mum made soup\nA cake was baked\n");
        done("library", "add", own, dogs.toString(), "--samples", ofDogs.toString());
        done("library", "add", own, cooks.toString(), "--samples", ofCooks.toString());
        var rows = Files.writeString(folder.resolve("rows.jsonl"), """
                {"prompt": "A big dog"}
                {"prompt": "She cooked some soup for"}
                {"prompt": "The dog"}
                """);

        var routed = done(
                "generate",
                "--adapter",
                own,
                "--route",
                "retrieve",
                "--route-top-k",
                "1",
                "--input",
                rows.toString(),
                "--max-new-tokens",
                "12");

        var answers = routed.lines()
                .map(line ->
                        Json.mapper().readTree(line).path("answer").asString().strip())
                .toList();
        assertThat(answers)
                .containsExactly(
                        alone(dogs, "A big dog"), alone(cooks, "She cooked some soup for"), alone(dogs, "The dog"));
        assertThat(answers.get(0)).isNotEqualTo(alone(cooks, "A big dog"));
        assertThat(done("library", "route", own, "--route", "retrieve", "--answer", "--max-new-tokens", "5", "The dog"))
                .contains("dogs", "cooks", "answer");
        assertThat(done("generate", "--adapter", own, "--prompt", "The dog", "--max-new-tokens", "12"))
                .isNotBlank();
        refused("goes on; chat with --route arrow", "chat", "--adapter", own, "--route", "retrieve");
        refused("give neither --model nor other adapters", "generate", "--adapter", own, "--adapter", "x=" + dogs);
    }

    private String alone(Path adapter, String prompt) {
        return done("generate", "--adapter", adapter.toString(), "--prompt", prompt, "--max-new-tokens", "12")
                .strip();
    }

    /** An adapter of the stories' model that changes what it says. */
    @SuppressWarnings("try") // scope and guard work by being open
    private static Path stories(String name, int rank) {
        var target = folder.resolve(name);
        var spec = LoraSpec.defaults().withRank(rank).withTargets(TargetModules.allLinear());
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = AutoModel.decoder(STORIES, ScalarType.Float);
                var adapter = Adapter.create("default", spec, model, RandomStream.of(rank))) {
            for (var weight : adapter.parameters()) {
                weight.value()
                        .copy_(Initialiser.normal(.07, RandomStream.of(rank).at(weight.name()), weight.shape()));
            }
            var head = new AdapterCard.SavedHead("", name, TaskKind.CAUSAL_LM, List.of(), Pooling.DEFAULT);
            var card = new AdapterCard(STORIES.toString(), Optional.empty(), List.of(head));
            AdapterFolder.save(target, adapter, model, card);
        }
        return target;
    }

    private void refused(String message, String... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString()).contains(message).hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "library list RUN | is no library of adapters: it has no library.json",
                "library add LIBRARY nowhere | nowhere is no adapter folder: it has no adapter_config.json.",
                "library add LIBRARY RUN RUN --name x | --name and --samples are of one adapter, and there are 2",
                "library add LIBRARY RUN --samples a.txt --no-samples | There are --samples a.txt and --no-samples",
                "library add LIBRARY RUN --name x --samples a.txt | There is no file a.txt.",
                "library add LIBRARY RUN --sample-count 0 | --sample-count is 0; it must be at least 1",
                "library add RUN RUN | is no library of adapters (it has no library.json) and not empty",
                "library add LIBRARY RUN --name a.b | is no name for an adapter in a library",
                "library remove LIBRARY thing | There is no adapter ''thing'' in LIBRARY; nearest are things, places.",
                "library route LIBRARY --route arow x | is none of arrow, retrieve; did you mean ''arrow''?",
                "library route LIBRARY --route-top-k 0 x | must be at least 1, not 0.",
                "library route LIBRARY --route-temperature 0 x | The temperature of routing must be above 0, not 0.0.",
                "predict RUN --route arrow x | --route and its options choose among a library's adapters, and RUN is no",
                "predict LIBRARY x | say which by --task: things, places.",
                "evaluate LIBRARY --task thing --builtin relation | no head for a task ''thing''. Did you mean ''things''?",
                "generate --adapter LIBRARY --prompt x | is not a causal language model, which is needed here",
            })
    void whatCannotBeDoneIsOneSentence(String command, String sentence) {
        refused(
                sentence.replace("''", "'")
                        .replace("LIBRARY", library.toString())
                        .replace("RUN", things.toString()),
                command.replace("LIBRARY", library.toString())
                        .replace("RUN", things.toString())
                        .split(" "));
    }
}
