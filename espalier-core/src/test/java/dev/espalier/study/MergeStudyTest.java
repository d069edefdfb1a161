package dev.espalier.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.Split;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.merge.MergeMethods;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.report.MergeCurves;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.Snips;
import dev.espalier.train.TinyModel;
import dev.espalier.train.Training;
import dev.espalier.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three experts on a model so small that how well they do does not matter. */
class MergeStudyTest {
    private static final List<String> HELD_IN = List.of("intent", "offered", "again");

    @TempDir
    private static Path folder;

    private static Training training = Training.of("");
    private static List<TaskData> tasks = List.of();
    private static Map<String, Path> adapters = Map.of();

    @BeforeAll
    static void trainExperts() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .labelEmbeddings(LabelEmbeddings.DEFAULT)
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .batchSize(16)
                        .maxTokens(16)
                        .maxSteps(6)
                        .learningRate(3e-2)
                        .build());
        tasks = List.of(
                Snips.described(), Snips.offered(), named("again", Snips.described()), named("other", Snips.offered()));
        adapters = Map.of(
                "intent", trained("intent", 0, tasks.get(0)),
                "offered", trained("offered", 0, tasks.get(1)),
                "again", trained("again", 1, tasks.get(2)));
    }

    private static TaskData named(String name, TaskData task) {
        return new TaskData(
                name,
                task.kind(),
                task.train(),
                task.validation(),
                task.test(),
                task.labels(),
                task.labelDescriptions());
    }

    private static Path trained(String run, long seed, TaskData... on) {
        var described = training.adapter(LoraSpec.defaults())
                .options(training.options().toBuilder().seed(seed).build());
        for (var task : on) {
            described = described.task(task);
        }
        described.run(folder.resolve(run));
        return folder.resolve(run).resolve("adapter");
    }

    private static List<StudyMerge> merges() {
        return List.of(
                new StudyMerge("average", MergeMethods.of("average"), List.of()),
                new StudyMerge("dare-ties", MergeMethods.of("dare-ties"), List.of()),
                new StudyMerge("arithmetic", MergeMethods.of("task-arithmetic"), List.of(0.0, 0.5, 1.0)));
    }

    private static MergeStudy study(Path output, Map<String, Path> experts, Optional<Path> multitask) {
        var described = training;
        for (var task : tasks) {
            described = described.task(task);
        }
        var plan = new StudyPlan(HELD_IN, List.of("other"), List.of(1, 2, 3), 2, 0);
        return new MergeStudy(
                described, plan, List.of(new StudyExperts("lora", experts, multitask, merges())), 20, output);
    }

    private static MergeCurves curves(Path output) {
        return study(output, adapters, Optional.empty())
                .run(() -> false, (what, place, of) -> {})
                .orElseThrow();
    }

    private static Curve curve(MergeCurves curves, String method) {
        return curves.curves().stream()
                .filter(curve -> curve.method().equals(method))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void oneAdapterMergedScoresAsItselfAndAsItsRun() {
        var curves = curves(folder.resolve("itself"));
        var own = curve(curves, "each its own");
        var average = curve(curves, "average");
        for (int draw = 0; draw < 2; draw++) {
            assertThat(average.points().get(0).draws().get(draw).heldIn())
                    .isEqualTo(own.points().get(0).draws().get(draw).heldIn());
        }
        var scores = own.points().get(2).draws().get(0).heldIn();
        assertThat(scores).containsOnlyKeys(HELD_IN);
        for (var task : tasks.subList(0, 3)) {
            // 20 of the 40 test rows, every second one.
            var rows =
                    IntStream.range(0, 20).mapToObj(i -> task.test().get(2 * i)).toList();
            try (var opened = AdaptedModel.open(Objects.requireNonNull(adapters.get(task.name())))) {
                assertThat(Objects.requireNonNull(scores.get(task.name())).value())
                        .isCloseTo(opened.evaluate(task.name(), rows).value(Metric.ACCURACY), within(1e-9));
            }
        }
        assertThat(own.points().get(0).heldOut()).isEmpty();
    }

    @Test
    void lambdaIsTheOneThatValidatesBest() {
        var output = folder.resolve("lambda");
        var curves = curves(output);
        var chosen = curve(curves, "arithmetic").points().get(2).draws().get(0).heldIn();
        try (var book = ScoreBook.open(output.resolve(MergeStudy.SCORES), Map.of())) {
            var best = List.of(0.0, 0.5, 1.0).stream()
                    .map(lambda -> book.subjects().stream()
                            .filter(subject -> subject.method()
                                            .equals(MergeMethods.of("task-arithmetic")
                                                    .withLambda(lambda)
                                                    .toString())
                                    && subject.tasks().size() == 3)
                            .findFirst()
                            .orElseThrow())
                    .max(Comparator.comparingDouble(subject -> HELD_IN.stream()
                            .mapToDouble(task -> value(book, subject, task, Split.VALIDATION))
                            .sum()))
                    .orElseThrow();
            HELD_IN.forEach(
                    task -> assertThat(Objects.requireNonNull(chosen.get(task)).value())
                            .isEqualTo(value(book, best, task, Split.TEST)));
            assertThat(book.subjects().stream()
                            .filter(subject -> subject.tasks().size() == 3
                                    && subject.method().contains("task-arithmetic")
                                    && book.find(subject, "other", Split.TEST).isPresent()))
                    .as("the others see no test row")
                    .containsExactly(best);
        }
    }

    private static double value(ScoreBook book, Subject subject, String task, Split split) {
        return book.find(subject, task, split).orElseThrow().value();
    }

    @Test
    void aStudyThatIsStoppedAnywhereGoesOnToTheSameNumbers() throws IOException {
        var whole = curves(folder.resolve("whole"));
        var expected = withoutTimes(folder.resolve("whole"));
        var output = folder.resolve("parts");
        Optional<MergeCurves> parts = Optional.empty();
        int stops = 0;
        while (parts.isEmpty()) {
            var asked = new AtomicInteger();
            parts = study(output, adapters, Optional.empty())
                    .run(() -> asked.incrementAndGet() > 17, (what, place, of) -> {});
            stops += parts.isEmpty() ? 1 : 0;
        }
        assertThat(stops).isGreaterThan(2);
        assertThat(parts).contains(whole);
        assertThat(withoutTimes(output)).isEqualTo(expected);

        var told = new ArrayList<String>();
        assertThat(study(output, adapters, Optional.empty()).run(() -> false, (what, place, of) -> told.add(what)))
                .contains(whole);
        assertThat(told).as("everything is scored already").isEmpty();
    }

    private static List<String> withoutTimes(Path output) throws IOException {
        return Files.readAllLines(output.resolve(MergeStudy.SCORES)).stream()
                .map(line -> line.replaceAll("\"seconds\":[^}]*", ""))
                .toList();
    }

    @Test
    void anExpertThatWasTrainedAnewIsScoredAnew() throws IOException {
        var output = folder.resolve("anew");
        curves(output);
        int before = Files.readAllLines(output.resolve(MergeStudy.SCORES)).size();
        var other = new HashMap<>(adapters);
        other.put("again", trained("again-5", 5, tasks.get(2)));
        var told = new ArrayList<String>();
        study(output, other, Optional.of(trained("all", 0, tasks.get(0), tasks.get(1), tasks.get(2))))
                .run(() -> false, (what, place, of) -> told.add(what));
        assertThat(told).contains("lora, each its own", "lora, multitask training", "lora, average of 3");
        assertThat(told).doesNotContain("bare model");
        assertThat(Files.readAllLines(output.resolve(MergeStudy.SCORES)).size()).isGreaterThan(before);
    }

    @Test
    void whatCannotBeScoredIsRefusedBeforeAnythingIsDone() {
        var output = folder.resolve("refused");
        var plan = new StudyPlan(List.of("intent"), List.of(), List.of(1), 1, 0);
        var untested = new TaskData(
                "intent",
                tasks.get(0).kind(),
                tasks.get(0).train(),
                List.of(),
                List.of(),
                tasks.get(0).labels(),
                Map.of());
        assertThatThrownBy(() -> new MergeStudy(training.task(untested), plan, List.of(), 0, output))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'intent' has no test rows to score merges on; give test-fraction, or a file with a"
                        + " test split.");
        var unvalidated = new TaskData(
                "intent",
                tasks.get(0).kind(),
                tasks.get(0).train(),
                List.of(),
                tasks.get(0).test(),
                tasks.get(0).labels(),
                Map.of());
        var experts = new StudyExperts("lora", adapters, Optional.empty(), merges());
        assertThatThrownBy(() -> new MergeStudy(training.task(unvalidated), plan, List.of(experts), 0, output))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'intent' has no validation rows to choose lambda by; give validation-fraction.");
        var written = Snips.written();
        var texts = new StudyPlan(List.of("written"), List.of(), List.of(1), 1, 0);
        assertThatThrownBy(() -> new MergeStudy(training.task(written), texts, List.of(), 0, output))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Texts are scored by ROUGE-L; set training.generate-tokens");
        assertThat(output).doesNotExist();
    }
}
