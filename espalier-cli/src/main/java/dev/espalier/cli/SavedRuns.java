package dev.espalier.cli;

import dev.espalier.cli.SavedRun.State;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.report.RunHistory;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/** Carries out several runs, one after another: those that are finished already are passed over. */
final class SavedRuns {
    /** What is said where the user stopped. */
    static final String PROCEED = "The same command goes on from there.";

    private final Map<SavedRun, State> states = new LinkedHashMap<>();
    private final PrintWriter err;

    /**
     * Looks at all folders before anything is trained.
     *
     * @throws InputException if one holds anything but its run
     */
    SavedRuns(List<SavedRun> runs, PrintWriter err) {
        this.err = err;
        runs.forEach(run -> states.put(run, run.state()));
    }

    /**
     * Trains what is not finished; false if the user stopped it.
     *
     * @param tasks of each run
     */
    boolean finish(Function<SavedRun, List<TaskData>> tasks) {
        int place = 0;
        for (var run : List.copyOf(states.keySet())) {
            place++;
            var state = state(run);
            if (state == State.FINISHED) {
                continue;
            }
            var which = "run " + place + " of " + states.size() + " (" + run.title() + ")";
            err.println();
            err.println((state == State.STOPPED ? "Resuming " : "Starting ") + which + timeLeft());
            if (!finish(run, tasks.apply(run), state == State.STOPPED)) {
                err.println("Stopped in " + which + ". " + PROCEED);
                err.flush();
                return false;
            }
            states.put(run, State.FINISHED);
        }
        return true;
    }

    private boolean finish(SavedRun run, List<TaskData> tasks, boolean resume) {
        try {
            return !new RecipeRun(run.recipe(), run.folder().path())
                    .run(tasks, resume, err)
                    .stopped();
        } catch (InputException e) {
            throw new InputException("Run " + run.name() + ": " + e.getMessage(), e);
        }
    }

    /** As long as the others of its group took, or else as all runs did. */
    private String timeLeft() {
        var seconds = states.keySet().stream()
                .filter(run -> state(run) != State.FINISHED)
                .mapToDouble(run -> seconds(Optional.of(run.group()))
                        .orElse(seconds(Optional.empty()).orElse(Double.NaN)))
                .sum();
        return Double.isNaN(seconds) ? "" : ", about " + Math.max(1, Math.round(seconds / 60)) + " min left in all";
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
