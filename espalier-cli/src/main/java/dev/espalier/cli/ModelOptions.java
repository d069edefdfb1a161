package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.AdaptedTask;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of commands that use a trained adapter. */
final class ModelOptions {
    @Option(names = "--task", paramLabel = "NAME", description = "The task to answer, if the adapter has several.")
    private @Nullable String task;

    @Option(
            names = "--dtype",
            paramLabel = "DTYPE",
            description = "Number type of the frozen weights: fp32 (the default) or bf16.")
    private String dtype = "fp32";

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "Threads that each take a part of the inputs; 0, the default, for what is fastest here.")
    private int workers;

    AdaptedModel open(Path folder) {
        return AdaptedModel.open(folder, dtype, workers);
    }

    /** The task that was named, or the only one. */
    AdaptedTask task(AdaptedModel model) {
        if (task != null) {
            return model.task(task);
        }
        var tasks = model.tasks();
        if (tasks.size() != 1) {
            throw new InputException("The adapter has several tasks; say which by --task: "
                    + String.join(", ", tasks.stream().map(AdaptedTask::name).toList()) + ".");
        }
        return tasks.get(0);
    }
}
