package dev.espalier.train;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.Optional;

/** Carries out a {@link Training}, once: set up, fit, test, save. */
public final class Trainer {
    private final Training training;
    private final RunFolder folder;
    private final Optional<TrainingGroup> group;
    private volatile boolean stopRequested;

    /** @param group that it is one of; empty for one on its own */
    Trainer(Training training, Path folder, Optional<TrainingGroup> group) {
        this.training = training;
        this.folder = new RunFolder(folder);
        this.group = group;
    }

    /** See {@link Training#run}. */
    public TrainingResult run() {
        folder.requireNew();
        return run(false);
    }

    /** See {@link Training#resume}. */
    public TrainingResult resume() {
        folder.requireState();
        return run(true);
    }

    /** Lets the step that is under way end, saves the state and ends the run; from any thread. */
    public void stop() {
        stopRequested = true;
    }

    private TrainingResult run(boolean resume) {
        if (group.isPresent()) {
            return run(group.get(), resume);
        }
        try (var alone = new TrainingGroup(1)) {
            return run(alone, resume);
        }
    }

    private TrainingResult run(TrainingGroup among, boolean resume) {
        var memory = among.memory();
        try (var guard = Engine.enter(among.threads());
                var scope = Scope.open()) {
            return run(AllocationStage.run(training, folder, resume, among), memory, resume, among);
        }
    }

    private TrainingResult run(AllocationStage stage, PeakMemory memory, boolean resume, TrainingGroup among) {
        training.listener().phase("loading " + training.model());
        try (var adapted = AdaptedModel.create(stage.training(), among);
                var session = new Session(stage.training(), adapted);
                var prefix = new PrefixCache(stage.training(), session, folder, among.prefixes());
                var run = new TrainingRun(stage.training(), session, folder, memory, () -> stopRequested)) {
            if (resume) {
                run.restore();
            } else {
                run.begin(stage);
            }
            prefix.fill(() -> stopRequested);
            if (!run.fit()) {
                return run.stopped();
            }
            return run.finish();
        }
    }
}
