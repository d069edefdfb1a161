package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several runs of one process, which share a model. */
class TrainingGroupTest {
    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = TrainerTest.training(folder);
    }

    private Training with(AdapterSpec adapter) {
        return training.adapter(adapter);
    }

    private Map<String, Training> unlike() {
        var runs = new TreeMap<String, Training>();
        runs.put("lora", training);
        runs.put("other-seed", training.options(TrainerTest.options().seed(1).build()));
        runs.put("sira", with(Mixtures.sira().with(m -> m.experts(4).topK(2))));
        runs.put("full", with(FullSpec.defaults()));
        runs.put(
                "other-task", Training.of(training.model()).task(Snips.length()).options(training.options()));
        return runs;
    }

    private void run(int atOnce, String into, Map<String, Training> runs) {
        try (var group = new TrainingGroup(atOnce)) {
            var trainers = new ArrayList<Trainer>();
            runs.forEach((name, run) ->
                    trainers.add(group.trainer(run, folder.resolve(into).resolve(name))));
            assertThat(group.run(trainers, Trainer::run)).noneMatch(TrainingResult::stopped);
        }
    }

    /** Of runs that were carried out together. */
    private void assertEachIsAsAlone(Map<String, Training> runs) throws IOException {
        for (var one : runs.entrySet()) {
            run(2, "alone", Map.of(one.getKey(), one.getValue()));
            StoppedRuns.assertSame(
                    folder.resolve("alone").resolve(one.getKey()),
                    folder.resolve("together").resolve(one.getKey()));
        }
    }

    @Test
    void aRunComputesTheSameWhateverRunsBesideIt() throws IOException {
        var runs = unlike();
        run(2, "together", runs);
        assertEachIsAsAlone(runs);
    }

    @Test
    void oneAtATimeIsAsOnItsOwn() throws IOException {
        run(1, "group", Map.of("lora", training));
        training.run(folder.resolve("own"));
        StoppedRuns.assertSame(folder.resolve("own"), folder.resolve("group").resolve("lora"));
    }

    @Test
    void stoppedRunsGoOnInAnotherGroup() throws IOException {
        var runs = new TreeMap<>(unlike());
        run(2, "whole", runs);
        try (var group = new TrainingGroup(2)) {
            var trainers = new ArrayList<Trainer>();
            runs.forEach((name, run) -> {
                int place = trainers.size();
                var listener = new Losses(step -> {
                    if (step == 7) {
                        trainers.get(place).stop();
                    }
                });
                trainers.add(group.trainer(
                        run.listener(listener), folder.resolve("stopped").resolve(name)));
            });
            assertThat(group.run(trainers, Trainer::run)).allMatch(TrainingResult::stopped);
        }
        try (var group = new TrainingGroup(2)) {
            var trainers = new ArrayList<Trainer>();
            runs.forEach((name, run) ->
                    trainers.add(group.trainer(run, folder.resolve("stopped").resolve(name))));
            group.run(trainers, Trainer::resume);
        }
        for (var name : runs.keySet()) {
            StoppedRuns.assertSameAdapters(
                    folder.resolve("whole").resolve(name),
                    folder.resolve("stopped").resolve(name));
        }
    }

    @Test
    void whatFrozenLayersMakeIsComputedOnceForAll() throws IOException {
        var upper = TargetModules.of("query", "value").inLayers(List.of(1), List.of());
        var cached = training.options(
                TrainerTest.options().prefix(new PrefixOptions(1, false)).build());
        var phases = Collections.synchronizedList(new ArrayList<String>());
        ProgressListener told = new ProgressListener() {
            @Override
            public void phase(String message) {
                phases.add(message);
            }
        };
        var runs = new TreeMap<String, Training>();
        runs.put("lora", cached.adapter(LoraSpec.defaults().withTargets(upper)));
        runs.put("sira", cached.adapter(Mixtures.sira().with(m -> m.targets(upper))));
        runs.put(
                "other-seed",
                cached.adapter(LoraSpec.defaults().withTargets(upper))
                        .options(cached.options().toBuilder().seed(1).build()));
        var heard = new TreeMap<String, Training>();
        runs.forEach((name, run) -> heard.put(name, run.listener(told)));
        run(2, "together", heard);
        assertThat(phases)
                .filteredOn(phase -> phase.startsWith("computing what enters"))
                .hasSize(1);
        try (var files = Files.walk(folder.resolve("together"))) {
            assertThat(files).noneMatch(file -> file.toString().endsWith(".tmp"));
        }
        assertEachIsAsAlone(runs);
    }

    @Test
    void runsOfUnlikeExamplesHaveCachesOfTheirOwn() throws IOException {
        var upper = LoraSpec.defaults().withTargets(TargetModules.of("query").inLayers(List.of(1), List.of()));
        var cached = Training.of(training.model())
                .adapter(upper)
                .options(TrainerTest.options()
                        .prefix(new PrefixOptions(1, false))
                        .build());
        var runs = Map.of("intent", cached.task(Snips.intent()), "length", cached.task(Snips.length()));
        run(2, "together", runs);
        assertEachIsAsAlone(runs);
    }

    @Test
    void aRunThatFailsLetsTheOthersEnd() {
        var bad = training.options(TrainerTest.options().learningRate(1e30).build());
        try (var group = new TrainingGroup(2)) {
            var trainers =
                    List.of(group.trainer(bad, folder.resolve("bad")), group.trainer(training, folder.resolve("good")));
            assertThatThrownBy(() -> group.run(trainers, Trainer::run))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("Training diverged");
        }
        assertThat(folder.resolve("good/report.html")).exists();
    }

    @Test
    void fewerThanOneAtOnceIsRefused() {
        assertThatThrownBy(() -> new TrainingGroup(-1))
                .isInstanceOf(InputException.class)
                .hasMessage("Runs at once must be at least 1, or 0 for as many as there are threads, not -1.");
    }
}
