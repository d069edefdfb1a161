package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.espalier.adapter.HeadOnlySpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.data.Example;
import dev.espalier.data.Input;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.LabelEmbeddings.Embedder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Runs whose heads compare texts with labels and candidates. */
class LabelEmbeddingTrainingTest {
    private static final int STEPS = 12;

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .adapter(LoraSpec.defaults().withDropout(0.05))
                .options(TinyModel.options().maxSteps(STEPS).evaluateEvery(5).build());
    }

    private static LabelEmbeddings embeddings(Embedder by) {
        return new LabelEmbeddings(0.1, by, List.of());
    }

    @ParameterizedTest
    @EnumSource(Embedder.class)
    void aRunLearnsAndItsFolderAnswersAsTheRunDid(Embedder by) throws Exception {
        var task = Snips.described();
        var losses = new Losses();
        var result = training.task(task)
                .labelEmbeddings(embeddings(by))
                .listener(losses)
                .run(folder.resolve("run"));
        var all = losses.all();
        assertThat(all.get(STEPS - 1)).isLessThan(all.get(0));
        assertThat(result.trainedWeights()).isEqualTo(result.trainedWeightsAdapter());

        var card = Json.read(folder.resolve("run/adapter/espalier.json"));
        var saved = card.path("heads").path(0).path("label_embeddings");
        assertThat(saved.path("temperature").asDouble()).isEqualTo(0.1);
        assertThat(saved.path("by").asString()).isEqualTo(by.name().toLowerCase(Locale.ROOT));
        assertThat(saved.path("texts").path(0).asString()).isEqualTo("to AddToPlaylist");
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            assertThat(opened.evaluate("intent", task.test()).metrics())
                    .isEqualTo(result.tests().get(0).metrics());
            var answer = (Answer.Label) opened.predict("play some jazz").get(0);
            assertThat(answer.scored()).hasSize(7);
            opened.save(folder.resolve("again"));
        }
        for (var file : List.of("espalier.json", "adapter_model.safetensors", "adapter_config.json")) {
            assertThat(folder.resolve("again").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("run/adapter").resolve(file));
        }
    }

    @Test
    void aChoiceIsLearnedByItsCandidates() {
        var task = Snips.offered();
        var result = training.task(task).run(folder.resolve("run"));
        assertThat(result.tests().get(0).metrics()).containsOnlyKeys("loss", "accuracy");
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            assertThat(opened.evaluate("offered", task.test()).metrics())
                    .isEqualTo(result.tests().get(0).metrics());
            var input = task.test().get(0).input();
            var answer =
                    (Answer.Label) opened.predict("offered", List.of(input)).get(0);
            assertThat(answer.scored())
                    .extracting(Answer.Scored::label)
                    .containsExactlyInAnyOrderElementsOf(((Input.Choice) input).candidates());
            assertThatThrownBy(() -> opened.predict("no candidates")).hasMessageContaining("no candidates");
        }
    }

    @ParameterizedTest
    @EnumSource(Embedder.class)
    void aStoppedAndResumedRunEqualsAnUninterruptedOne(Embedder by) {
        for (var task : List.of(Snips.described(), Snips.offered())) {
            var run = folder.resolve("stopped-" + task.name());
            var described = training.task(task).labelEmbeddings(embeddings(by));
            var whole = new Losses();
            described.listener(whole).run(folder.resolve("whole-" + task.name()));
            var losses = new ArrayList<>(StoppedRuns.begin(described, run, 7));
            var rest = new Losses();
            described.listener(rest).resume(run);
            losses.addAll(rest.all());
            assertThat(losses).isEqualTo(whole.all());
            StoppedRuns.assertSameAdapters(folder.resolve("whole-" + task.name()), run);
        }
    }

    @Test
    void aRunIsNotResumedWithAnotherTemperature() {
        var described = training.task(Snips.described()).labelEmbeddings(embeddings(Embedder.BASE));
        StoppedRuns.begin(described, folder.resolve("run"), 1);
        assertThatThrownBy(() -> described
                        .labelEmbeddings(new LabelEmbeddings(0.3, Embedder.BASE, List.of()))
                        .resume(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("label embeddings")
                .hasMessageContaining("0.3");
    }

    /** Routers' losses are those of the texts alone, however a batch is cut. */
    @Test
    void aMixtureTrainsAlikeWithOneWorkerAndWithTwo() {
        var losses = new ArrayList<List<Double>>();
        for (int workers : new int[] {1, 2}) {
            var heard = new Losses();
            training.task(Snips.described())
                    .labelEmbeddings(embeddings(Embedder.ADAPTED))
                    .adapter(Mixtures.sira().with(m -> m.experts(4).topK(2)))
                    .options(training.options().toBuilder()
                            .workers(workers)
                            .maxSteps(3)
                            .build())
                    .listener(heard)
                    .run(folder.resolve("run" + workers));
            losses.add(heard.all());
        }
        for (int step = 0; step < 3; step++) {
            assertThat(losses.get(1).get(step)).isCloseTo(losses.get(0).get(step), withinPercentage(0.01));
        }
    }

    /** What is kept is chosen by gradients of whole weights, which come from texts and labels. */
    @ParameterizedTest
    @EnumSource(Embedder.class)
    void sparseAdaptersAreChosenAndTrained(Embedder by) {
        var losses = new Losses();
        training.task(Snips.described())
                .labelEmbeddings(embeddings(by))
                .adapter(SparseSpec.sparse())
                .listener(losses)
                .run(folder.resolve("run"));
        assertThat(losses.last(3)).isLessThan(losses.first(3));
    }

    @Test
    void severalTasksShareOneAdapterWithoutAnyHeadsWeights() {
        var result = training.task(Snips.described())
                .task(Snips.offered())
                .labelEmbeddings(embeddings(Embedder.ADAPTED))
                .run(folder.resolve("run"));
        assertThat(result.tests()).hasSize(2);
        assertThat(result.trainedWeights()).isEqualTo(result.trainedWeightsAdapter());
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            assertThat(opened.evaluate("offered", Snips.offered().test()).metrics())
                    .isEqualTo(result.tests().get(1).metrics());
        }
    }

    @Test
    void whatLabelEmbeddingsCannotAnswerIsRefused() {
        assertThatThrownBy(() -> training.task(Snips.length())
                        .labelEmbeddings(LabelEmbeddings.DEFAULT)
                        .run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'length' is of kind regression, and label embeddings answer with one label or one"
                        + " candidate; use a head that is a classifier for it.");
        assertThatThrownBy(() -> training.task(Snips.described())
                        .labelEmbeddings(LabelEmbeddings.DEFAULT)
                        .adapter(new HeadOnlySpec())
                        .run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("There is nothing to train: method 'head-only'");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void aLabelWithoutDescriptionIsToldByItsName() throws Exception {
        var task = Snips.intent();
        training.task(new TaskData(
                        task.name(),
                        task.kind(),
                        task.train(),
                        List.<Example>of(),
                        List.of(),
                        task.labels(),
                        Map.of("PlayMusic", "to hear a song")))
                .labelEmbeddings(LabelEmbeddings.DEFAULT)
                .run(folder.resolve("run"));
        var texts = Json.read(folder.resolve("run/adapter/espalier.json"))
                .path("heads")
                .path(0)
                .path("label_embeddings")
                .path("texts");
        assertThat(texts.valueStream().map(text -> text.asString())).contains("to hear a song", "GetWeather");
    }
}
