package dev.espalier.train;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;

/** Carries out a {@link Training}, once: set up, fit, test, save. */
public final class Trainer {
    private final Training training;
    private final RunFolder folder;
    private volatile boolean stopRequested;

    Trainer(Training training, Path folder) {
        this.training = training;
        this.folder = new RunFolder(folder);
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
        var memory = new PeakMemory();
        memory.start();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            return run(AllocationStage.run(training, folder, resume), memory, resume);
        }
    }

    private TrainingResult run(AllocationStage stage, PeakMemory memory, boolean resume) {
        training.listener().phase("loading " + training.model());
        try (var adapted = AdaptedModel.create(stage.training());
                var session = new Session(stage.training(), adapted);
                var prefix = new PrefixCache(stage.training(), session, folder);
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
