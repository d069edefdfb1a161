package dev.espalier.cli;

import dev.espalier.adapter.ModelMatrices;
import dev.espalier.adapter.TargetModules;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.error.InputException;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.train.ProbeOptions;
import dev.espalier.train.Probed;
import dev.espalier.train.SensitivityProbe;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where an allocation's matrices come from: a recipe's model and tasks that are measured, a file, or a model. */
final class AllocationSource {
    @Parameters(
            arity = "0..1",
            paramLabel = "RECIPE.yaml",
            description = "Measure the sensitivities of this recipe's model on its tasks.")
    private @Nullable Path recipe;

    @Option(
            names = "--sensitivity",
            paramLabel = "FILE",
            description = "Go by sensitivities that were measured before: JSON {task: {module: sensitivity}}.")
    private @Nullable Path sensitivity;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The model's folder or name: for its matrices, and to count trained weights.")
    private @Nullable String model;

    @ArgGroup(exclusive = false, heading = "%nMeasuring (with RECIPE.yaml):%n")
    private final Probe probe = new Probe();

    private static final class Probe {
        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Change a key of the recipe, such as training.seed=1. May be repeated.")
        private List<String> overrides = new ArrayList<>();

        @Option(
                names = "--samples",
                paramLabel = "N",
                description = "Training rows of each task to measure on; default 64.")
        private @Nullable Integer samples;

        @Option(
                names = "--blockwise",
                description =
                        "Measure one layer on each row, as the authors of LoRA-SMoE do; by default all layers on every row.")
        private boolean blockwise;

        @Option(names = "--raw-head", description = "Do not train a new head alone for an epoch before measuring.")
        private boolean rawHead;

        private boolean given() {
            return !overrides.isEmpty() || samples != null || blockwise || rawHead;
        }

        private ProbeOptions options() {
            var options = ProbeOptions.DEFAULT
                    .withPass(blockwise ? ProbeOptions.Pass.BLOCKWISE : ProbeOptions.Pass.EXACT)
                    .withTrainHead(!rawHead);
            return samples == null ? options : options.withSamples(samples);
        }
    }

    /**
     * The matrices.
     *
     * @param sensitivities that are known of them
     * @param probed what was measured for them, if it was measured now
     */
    record Known(Matrices matrices, Optional<Sensitivities> sensitivities, Optional<Probed> probed) {}

    /** The recipe whose tasks are measured, if there is one. */
    Optional<Path> recipe() {
        return Optional.ofNullable(recipe);
    }

    /** @throws InputException if it is not clear which matrices are meant, or measuring makes no sense */
    void check(RuleOptions rule) {
        if (recipe == null && probe.given()) {
            throw new InputException(
                    "--set, --samples, --blockwise and --raw-head say how to measure; give a recipe to measure with.");
        }
        if (recipe == null && sensitivity == null && model == null) {
            throw new InputException("Which matrices? Give a recipe, --sensitivity or --model.");
        }
        if (recipe != null && (sensitivity != null || model != null)) {
            throw new InputException("A recipe has its own model and is measured now; leave "
                    + (sensitivity != null ? "--sensitivity" : "--model") + " or the recipe out.");
        }
        if (recipe != null && !rule.needsSensitivities()) {
            throw new InputException(
                    "This rule does not go by sensitivities, so there is nothing to measure; give --model in place of the recipe.");
        }
    }

    /** Reads, or measures for {@code rule}; {@code err} shows how it goes. */
    Known read(AllocationRule rule, PrintWriter err) {
        if (recipe != null) {
            var probed = measure(recipe, rule, err);
            return new Known(probed.matrices(), Optional.of(probed.sensitivities()), Optional.of(probed));
        }
        var measured = Optional.ofNullable(sensitivity).map(Sensitivities::read);
        if (model == null) {
            return new Known(Matrices.of(measured.orElseThrow()), measured, Optional.empty());
        }
        Engine.load();
        try (var opened = AutoModel.open(ModelLocator.locate(model), ScalarType.Float)) {
            var matrices = ModelMatrices.of(opened, TargetModules.allLinear());
            return new Known(measured.map(matrices::with).orElse(matrices), measured, Optional.empty());
        }
    }

    private Probed measure(Path file, AllocationRule rule, PrintWriter err) {
        var read = Recipes.read(file, probe.overrides);
        var options = probe.options();
        // On the main thread, before others use tensors.
        Engine.load();
        try (var progress = Progress.on(err)) {
            var training = RecipeRun.training(read, RecipeRun.tasks(read)).listener(progress);
            return SensitivityProbe.of(training, options).by(rule).run();
        }
    }
}
