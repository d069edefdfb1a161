package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.route.AdapterLibrary;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.AdaptedTask;
import java.nio.file.Path;
import java.util.Optional;
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

    /** @param routing how a library's adapters are chosen, if {@code folder} is one */
    AdaptedModel open(Path folder, RoutingArguments routing) {
        return routing.applyTo(folder)
                ? AdapterLibrary.open(folder)
                        .route(routing.routing(), dtype, workers)
                        .model()
                : AdaptedModel.open(folder, dtype, workers);
    }

    /**
     * The task that was named, or the only one.
     *
     * @param likely which of several it is if it was not named
     */
    AdaptedTask task(AdaptedModel model, Optional<String> likely) {
        if (task != null) {
            return model.task(task);
        }
        var known = likely.filter(
                name -> model.tasks().stream().anyMatch(each -> each.name().equals(name)));
        if (known.isPresent()) {
            return model.task(known.get());
        }
        var tasks = model.tasks();
        if (tasks.size() != 1) {
            throw new InputException("The adapter has several tasks; say which by --task: "
                    + String.join(", ", tasks.stream().map(AdaptedTask::name).toList()) + ".");
        }
        return tasks.get(0);
    }
}
