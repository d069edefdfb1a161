package dev.espalier.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.Ia3Spec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Example;
import dev.espalier.data.Input;
import dev.espalier.data.Origin;
import dev.espalier.data.Target;
import dev.espalier.error.InputException;
import dev.espalier.route.AdapterLibrary.Addition;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.AdaptedTask;
import dev.espalier.train.Answer;
import dev.espalier.train.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterLibraryTest {
    private static final List<String> ANIMALS = List.of("dogs bark", "a cat purrs", "horses and cows graze");
    private static final List<String> TOOLS =
            List.of("a hammer drives nails", "screwdrivers and saws", "a sharp chisel");
    private static final List<String> COLOURS = List.of("red and green", "a pale blue", "the colour yellow");
    private static final Routing.Arrow ARROW = new Routing.Arrow(2, 1);

    @TempDir
    private Path folder;

    private Path base;
    private Path one;
    private Path two;
    private Path three;

    @BeforeEach
    void saveAdapters() {
        base = Path.of(TinyModel.in(folder.resolve("base")));
        one = save("one", LoraSpec.defaults().withRank(2), "animals", "dog", "cat", "cow");
        two = save(
                "two",
                LoraSpec.defaults()
                        .withRank(4)
                        .withAlpha(3)
                        .withTargets(TargetModules.matching(".*layer.*(query|dense)")),
                "tools",
                "hammer",
                "saw");
        three = save("three", LoraSpec.defaults().withRank(3).withRslora(true), "colours", "red", "blue", "green");
    }

    private Path save(String name, AdapterSpec spec, String task, String... labels) {
        return Loras.save(folder.resolve(name), base, spec, task, List.of(labels), name.hashCode());
    }

    private AdapterLibrary library() {
        return AdapterLibrary.openOrCreate(folder.resolve("library"));
    }

    private static Addition addition(Path adapter, List<String> samples) {
        return new Addition(adapter.getFileName().toString(), adapter, samples, Optional.empty());
    }

    private AdapterLibrary filled() {
        var library = library();
        library.add(
                List.of(addition(one, ANIMALS), addition(two, TOOLS), addition(three, COLOURS)),
                SentenceEncoder.DEFAULT,
                false);
        return library;
    }

    @Test
    void whatIsInALibraryIsKnownWithoutTheAdaptersItWasMadeOf() throws IOException {
        filled();
        var copied = Files.readAllBytes(one.resolve("adapter_model.safetensors"));
        delete(one);

        var library = AdapterLibrary.open(folder.resolve("library"));

        assertThat(library.entries()).extracting(LibraryEntry::name).containsExactly("one", "two", "three");
        var entry = library.entries().get(1);
        assertThat(entry.baseModel()).isEqualTo(base.toString());
        assertThat(entry.method()).isEqualTo("lora");
        assertThat(entry.tasks()).containsExactly("tools");
        assertThat(entry.samples()).contains(new LibraryEntry.Samples(SentenceEncoder.DEFAULT, 3));
        assertThat(entry.modules())
                .hasSize(8)
                .containsEntry("bert.encoder.layer.1.intermediate.dense", new LibraryEntry.Module(List.of(96, 64), 4));
        assertThat(library.adapter("one").resolve("adapter_model.safetensors")).hasBinaryContent(copied);
        try (var routed = library.route(ARROW, "fp32", 1)) {
            assertThat(routed.adapters()).containsExactly("one", "two", "three");
            assertThat(routed.model().tasks())
                    .extracting(AdaptedTask::name)
                    .containsExactly("animals", "tools", "colours");
        }
    }

    private static void delete(Path tree) throws IOException {
        try (var paths = Files.walk(tree)) {
            for (var path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    @Test
    void oneAdapterInALibraryIsThatAdapter() {
        for (var adapter : List.of(one, two, three)) {
            var library = AdapterLibrary.openOrCreate(folder.resolve("of-" + adapter.getFileName()));
            library.add(List.of(addition(adapter, ANIMALS)), SentenceEncoder.DEFAULT, false);
            try (var alone = AdaptedModel.open(adapter, "fp32", 1);
                    var arrow = library.route(ARROW, "fp32", 1);
                    var retrieve = library.route(new Routing.Retrieve(3, Optional.of(.1)), "fp32", 1)) {
                var expected = ofOnlyTask(alone, "a dog", "two cats in a row", "x");
                assertClose(ofOnlyTask(arrow.model(), "a dog", "two cats in a row", "x"), expected);
                assertClose(ofOnlyTask(retrieve.model(), "a dog", "two cats in a row", "x"), expected);
            }
        }
    }

    private static List<Double> ofOnlyTask(AdaptedModel model, String... texts) {
        return probabilities(model, model.tasks().get(0).name(), texts);
    }

    private static List<Double> probabilities(AdaptedModel model, String task, String... texts) {
        var inputs = Arrays.stream(texts).<Input>map(Input.Text::new).toList();
        var all = new ArrayList<Double>();
        for (var answer : model.predict(task, inputs)) {
            ((Answer.Label) answer)
                    .scored().stream()
                            .sorted(Comparator.comparing(Answer.Scored::label))
                            .forEach(scored -> all.add(scored.probability()));
        }
        return all;
    }

    private static void assertClose(List<Double> actual, List<Double> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-6));
        }
    }

    @Test
    void everyTextIsAnsweredByTheAdapterThatItIsNearestTo() {
        String[] texts = {"a dog", "hammer and nails", "blue or red"};
        var adapters = List.of(one, two, three);
        try (var routed = filled().route(new Routing.Retrieve(1, Optional.empty()), "fp32", 2)) {
            var shares = routed.shares(List.of(texts));
            assertThat(shares).extracting(rows -> rows.get(0).adapter()).containsExactly("one", "two", "three");
            assertThat(shares.get(0).get(0).weight()).isEqualTo(1);
            assertThat(shares.get(0).get(0).score())
                    .isGreaterThan(shares.get(0).get(1).score());
            for (int i = 0; i < adapters.size(); i++) {
                var task =
                        routed.tasks(adapters.get(i).getFileName().toString()).get(0);
                try (var alone = AdaptedModel.open(adapters.get(i), "fp32", 1)) {
                    // Among other texts, which other adapters act on.
                    int labels = alone.task(task).labels().size();
                    var mixed = probabilities(routed.model(), task, texts).subList(i * labels, (i + 1) * labels);
                    assertClose(mixed, ofOnlyTask(alone, texts[i]));
                }
            }
        }
    }

    @Test
    void evaluationRoutesEveryExampleByItsText() {
        var texts = List.of("a dog and a much longer text than the others have", "a cat", "hammers", "red", "cows");
        var examples = IntStream.range(0, texts.size())
                .mapToObj(i ->
                        new Example(new Input.Text(texts.get(i)), new Target.Label("dog"), new Origin("test", i + 1)))
                .toList();
        try (var routed = filled().route(new Routing.Retrieve(1, Optional.empty()), "fp32", 2)) {
            double sum = 0;
            for (var example : examples) {
                sum += routed.model().evaluate("animals", List.of(example)).loss();
            }
            assertThat(routed.model().evaluate("animals", examples).loss()).isCloseTo(sum / texts.size(), within(1e-5));
        }
    }

    @Test
    void tokensAreSharedOutAmongTheAdaptersOfALinear() {
        try (var routed = filled().route(ARROW, "fp32", 1)) {
            var shares = routed.shares(List.of("a dog barks")).get(0);
            // At 2 queries 2 of 3, at 2 values 2 of 2, at 6 dense linears the only one.
            assertThat(shares.stream().mapToDouble(RoutedLibrary.Share::weight).sum())
                    .isCloseTo((2 * 2 + 2 * 2 + 6) / 10.0, within(1e-9));
            assertThat(shares.stream().mapToDouble(RoutedLibrary.Share::score).sum())
                    .isCloseTo(1, within(1e-5));
            assertThat(shares)
                    .extracting(RoutedLibrary.Share::weight)
                    .isSortedAccordingTo((a, b) -> Double.compare(b, a));
        }
    }

    @Test
    void aTaskOfTwoAdaptersIsCalledByBothNames() {
        var again = save("again", LoraSpec.defaults(), "animals", "dog", "cat", "cow");
        var library = library();
        library.add(List.of(addition(one, List.of()), addition(again, List.of())), SentenceEncoder.DEFAULT, false);
        try (var routed = library.route(new Routing.Arrow(1, 1), "fp32", 1)) {
            assertThat(routed.model().tasks())
                    .extracting(AdaptedTask::name)
                    .containsExactly("one/animals", "again/animals");
            assertThat(routed.tasks("again")).containsExactly("again/animals");
            assertThatThrownBy(() -> routed.model().task("animals")).hasMessageContaining("one/animals, again/animals");
        }
        assertThatThrownBy(() -> library.route(new Routing.Retrieve(1, Optional.empty()), "fp32", 1))
                .isInstanceOf(InputException.class)
                .hasMessage("Adapter 'one' in " + library.folder() + " has no samples to be found by; add it again with"
                        + " --samples and --replace, or choose --route arrow.");
    }

    @Test
    void aNameIsTakenUnlessItsAdapterIsReplaced() {
        var library = filled();

        refused(
                library,
                new Addition("two", one, List.of(), Optional.empty()),
                "There is an adapter 'two' in " + library.folder()
                        + " already; replace it (--replace), or choose another" + " name (--name).");
        library.add(List.of(new Addition("two", one, List.of(), Optional.empty())), SentenceEncoder.DEFAULT, true);

        assertThat(library.entries()).extracting(LibraryEntry::name).containsExactly("one", "two", "three");
        assertThat(library.entries().get(1).tasks()).containsExactly("animals");
        assertThat(library.entries().get(1).samples()).isEmpty();
        assertThat(library.encoder()).contains(SentenceEncoder.DEFAULT);
        // Without samples there is nothing that an encoder must be the same for.
        library.add(List.of(addition(two, List.of())), "another", true);
        assertThat(library.entries().get(1).tasks()).containsExactly("tools");
    }

    @Test
    void anAdapterIsTakenOutWithItsCopy() {
        var library = filled();

        assertThatThrownBy(() -> library.remove(List.of("one", "tow")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("There is no adapter 'tow' in " + library.folder() + "; nearest are two");
        assertThat(library.entries()).hasSize(3);
        library.remove(List.of("one", "three"));

        assertThat(library.entries()).extracting(LibraryEntry::name).containsExactly("two");
        assertThat(library.adapter("one")).doesNotExist();
        library.remove(List.of("two"));
        assertThatThrownBy(() -> library.route(ARROW, "fp32", 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("is empty; add adapters");
    }

    @Test
    void whatDoesNotFitIsRefusedAndNothingIsAdded() throws IOException {
        var library = filled();
        var before = Files.readString(library.folder().resolve("library.json"));
        var ia3 = save("ia3", Ia3Spec.defaults(), "x", "a", "b");
        refused(library, addition(ia3, List.of()), "Adapter 'ia3' is of method 'ia3', whose folder holds no pair of");

        var pooler = save("pooler", LoraSpec.defaults().withTargets(TargetModules.of("query", "dense")), "x", "a", "b");
        refused(
                library,
                addition(pooler, List.of()),
                "Adapter 'pooler' adapts bert.pooler.dense, which is no linear of the model's body; only LoRA");

        var other = Path.of(TinyModel.in(folder.resolve("other")));
        var foreign = Loras.save(folder.resolve("foreign"), other, LoraSpec.defaults(), "x", List.of("a", "b"), 1);
        refused(
                library,
                addition(foreign, List.of()),
                "Adapter 'foreign' was trained on " + other + ", but adapter 'one' of " + library.folder() + " on "
                        + base + "; a library holds adapters of one base model.");

        var config = foreign.resolve("adapter_config.json");
        Files.writeString(config, Files.readString(config).replace("\"r\" : 8", "\"r\" : 4"));
        var card = foreign.resolve("espalier.json");
        Files.writeString(card, Files.readString(card).replace(other.toString(), base.toString()));
        refused(
                library,
                addition(foreign, List.of()),
                "Tensor 'base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight' in "
                        + foreign.resolve("adapter_model.safetensors")
                        + " has shape [8, 64], but the model and the adapter's"
                        + " config ask for [4, 64]");

        assertThatThrownBy(() -> library.add(List.of(addition(one, ANIMALS)), "bge-small-en-v1.5", true))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("are embedded by all-minilm-l6-v2, and vectors of bge-small-en-v1.5");
        for (var name : List.of("", "a.b", "a/b", " a", ".")) {
            assertThatThrownBy(() -> new Addition(name, one, List.of(), Optional.empty()))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("'" + name + "' is no name for an adapter");
        }
        assertThat(library.folder().resolve("library.json")).hasContent(before);
        assertThat(Files.list(library.folder().resolve("adapters"))).hasSize(3);
    }

    private static void refused(AdapterLibrary library, Addition addition, String message) {
        assertThatThrownBy(() -> library.add(List.of(addition), SentenceEncoder.DEFAULT, false))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void aFolderThatIsNoLibraryIsSaid() throws IOException {
        assertThatThrownBy(() -> AdapterLibrary.open(folder.resolve("none")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("is no library of adapters: it has no library.json");
        assertThatThrownBy(() -> AdapterLibrary.openOrCreate(base))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("and not empty");
        var library = filled();
        Files.writeString(library.folder().resolve("library.json"), "{\"format\": 2, \"adapters\": []}");
        assertThatThrownBy(library::entries)
                .isInstanceOf(InputException.class)
                .hasMessageContaining("has format 2, and this version reads format 1");
    }
}
