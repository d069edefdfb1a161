package dev.espalier.cli;

import dev.espalier.cli.SavedRun.State;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.report.RunHistory;
import dev.espalier.tensor.Engine;
import dev.espalier.train.Trainer;
import dev.espalier.train.TrainingGroup;
import java.io.PrintWriter;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;

/** Carries out several runs, in turn or side by side: those that are finished already are passed over. */
final class SavedRuns {
    /** What is said where the user stopped. */
    static final String PROCEED = "The same command goes on from there.";

    private final Map<SavedRun, State> states = new LinkedHashMap<>();
    private final int atOnce;
    private final PrintWriter err;
    private final Set<Trainer> running = new HashSet<>();
    private volatile boolean stopped;

    /**
     * Looks at all folders before anything is trained.
     *
     * @param atOnce how many are trained side by side; 0 for as many as there are cores
     * @throws InputException if a folder holds anything but its run
     */
    SavedRuns(List<SavedRun> runs, int atOnce, PrintWriter err) {
        // By all runs, finished or not, so that one that goes on has the threads that it began with.
        this.atOnce = Math.max(1, Math.min(atOnce == 0 ? Engine.threads() : atOnce, runs.size()));
        this.err = err;
        runs.forEach(run -> states.put(run, run.state()));
    }

    /**
     * Trains what is not finished; false if the user stopped it, be it while the last run was tested.
     *
     * @param tasks of each run
     */
    boolean finish(Function<SavedRun, List<TaskData>> tasks) {
        var due = states.keySet().stream()
                .filter(run -> state(run) != State.FINISHED)
                .toList();
        // On the main thread, before others use tensors.
        Engine.load();
        try (var group = new TrainingGroup(atOnce);
                var interrupts = new Interrupts(this::stop)) {
            group.run(due, run -> {
                finish(run, tasks, group);
                return run;
            });
        }
        return !stopped && states.values().stream().allMatch(state -> state == State.FINISHED);
    }

    private void finish(SavedRun run, Function<SavedRun, List<TaskData>> tasks, TrainingGroup group) {
        try (var progress = group.atOnce() == 1 ? Progress.on(err) : Progress.of(run.name(), err)) {
            var trainer = new RecipeRun(run.recipe(), run.folder().path()).trainer(tasks.apply(run), progress, group);
            var state = begin(run, trainer, group.atOnce());
            if (state.isEmpty()) {
                return;
            }
            var result = state.get() == State.STOPPED ? trainer.resume() : trainer.run();
            end(run, trainer, result.stopped());
        } catch (RuntimeException e) {
            stopAll();
            throw e instanceof InputException ? new InputException("Run " + run.name() + ": " + e.getMessage(), e) : e;
        }
    }

    /** How far the run is, or nothing if none may begin any more. */
    private synchronized Optional<State> begin(SavedRun run, Trainer trainer, int sideBySide) {
        if (stopped) {
            return Optional.empty();
        }
        running.add(trainer);
        var state = state(run);
        err.println();
        err.println((state == State.STOPPED ? "Resuming " : "Starting ") + which(run) + timeLeft(sideBySide));
        err.flush();
        return Optional.of(state);
    }

    private synchronized void end(SavedRun run, Trainer trainer, boolean before) {
        running.remove(trainer);
        if (!before) {
            states.put(run, State.FINISHED);
        }
        if (stopped) {
            err.println("Stopped " + (before ? "in " : "after ") + which(run) + ". " + PROCEED);
            err.flush();
        }
    }

    private void stop() {
        RecipeRun.tellStopping(err);
        stopAll();
    }

    private synchronized void stopAll() {
        stopped = true;
        running.forEach(Trainer::stop);
    }

    private String which(SavedRun run) {
        int place = List.copyOf(states.keySet()).indexOf(run) + 1;
        return "run " + place + " of " + states.size() + " (" + run.title() + ")";
    }

    /** As long as the others of its group took, or else as all runs did. */
    private String timeLeft(int sideBySide) {
        var seconds = states.keySet().stream()
                .filter(run -> state(run) != State.FINISHED)
                .mapToDouble(run -> seconds(Optional.of(run.group()))
                        .orElse(seconds(Optional.empty()).orElse(Double.NaN)))
                .sum();
        return Double.isNaN(seconds)
                ? ""
                : ", about " + Math.max(1, Math.round(seconds / sideBySide / 60)) + " min left in all";
    }

    private OptionalDouble seconds(Optional<String> group) {
        return states.keySet().stream()
                .filter(run -> state(run) == State.FINISHED)
                .filter(run -> group.isEmpty() || group.get().equals(run.group()))
                .flatMap(run -> RunHistory.read(run.folder().path()).summary().stream())
                .mapToDouble(RunHistory.Summary::seconds)
                .average();
    }

    private State state(SavedRun run) {
        return states.getOrDefault(run, State.NEW);
    }
}
