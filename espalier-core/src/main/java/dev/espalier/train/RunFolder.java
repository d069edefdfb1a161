package dev.espalier.train;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A run on disk: {@code adapter/} with the best weights so far, {@code state/} to go on from, {@code metrics.jsonl},
 * {@code recipe.yaml} and {@code report.html}; {@code allocation.json} and {@code sensitivities.json} of an adapter that
 * was allocated; where its options ask for them, {@code metrics.csv} and
 * {@code tensorboard/}.
 *
 * @param path the folder
 */
public record RunFolder(Path path) {

    /** What the run is for: the adapter and the heads, as they were best on validation. */
    public Path adapter() {
        return path.resolve("adapter");
    }

    /** The state from which training goes on; there as soon as a run has begun. */
    public Path state() {
        return path.resolve("state").resolve("training.safetensors");
    }

    /** Losses, metrics and router statistics, a JSON object a line. */
    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    /** The same as CSV, where the run writes it; see {@link dev.espalier.report.CsvLines}. */
    public Path csv() {
        return path.resolve("metrics.csv");
    }

    /** The same for TensorBoard, where the run writes it: {@code tensorboard --logdir} takes the folder it is in. */
    public Path tensorBoard() {
        return path.resolve("tensorboard").resolve("events.out.tfevents.espalier");
    }

    /** What enters the lowest adapted layer, where a run keeps it; there as long as it trains. */
    Path prefixStates() {
        return path.resolve("prefix-states.tmp");
    }

    /** How many experts or which rank each module got, where that was decided before training. */
    public Path allocation() {
        return path.resolve("allocation.json");
    }

    /** What was measured for it, by task and module. */
    public Path sensitivities() {
        return path.resolve("sensitivities.json");
    }

    /** The recipe as it was resolved, where the run came from one. */
    public Path recipe() {
        return path.resolve("recipe.yaml");
    }

    /** The report, self-contained. */
    public Path report() {
        return path.resolve("report.html");
    }

    /** @throws InputException if the folder exists and is not empty */
    void requireNew() {
        if (!Files.exists(path)) {
            return;
        }
        try (var entries = Files.newDirectoryStream(path)) {
            if (entries.iterator().hasNext()) {
                throw new InputException("The run folder " + path + " exists already: "
                        + (Files.exists(state()) ? "go on with it by --resume, or" : "remove it or")
                        + " choose another --output.");
            }
        } catch (IOException e) {
            throw new InputException(
                    path + " is not a folder that a run can be written to: " + e.getMessage() + ".", e);
        }
    }

    /** @throws InputException if there is no state to go on from */
    void requireState() {
        if (!Files.exists(state())) {
            throw new InputException(path + " holds no saved state (" + path.relativize(state())
                    + "), so there is nothing to resume; start the run without --resume.");
        }
    }
}
