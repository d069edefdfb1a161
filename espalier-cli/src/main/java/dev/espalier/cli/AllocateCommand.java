package dev.espalier.cli;

import dev.espalier.adapter.ModelMatrices;
import dev.espalier.adapter.TargetModules;
import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Cost;
import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.error.InputException;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.report.AllocationTable;
import dev.espalier.tensor.Engine;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Decides how many experts, or which rank, each weight matrix of a model gets. */
@Command(
        name = "allocate",
        description = "Decides how many experts, or which rank, each weight matrix of a model gets.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Rules:",
            "  percentile    an expert for each task that a matrix is among the more sensitive of its group for",
            "  proportional  a budget shared out by sensitivity",
            "  depth         by the part of the layers that a matrix lies in",
            "  uniform       the same for every matrix",
            "  table         as written by hand",
            "",
            "Examples:",
            "  espalier allocate --sensitivity s.json --group attention --keep 60 --output experts.json",
            "  espalier allocate --sensitivity s.json --rule proportional --budget 48 --maximum 4",
            "  espalier allocate --model path/to/model --rule depth --by-depth 2,4,6,8 --output experts.json",
            "  espalier allocate --model path/to/model --rule depth --by-depth 4,8 --unit ranks"
        })
final class AllocateCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, heading = "%nMatrices:%n")
    private final Source source = new Source();

    @ArgGroup(exclusive = false, heading = "%nRule:%n")
    private final RuleOptions rule = new RuleOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write the allocation, JSON {module: experts}, to this file; nothing may be there yet.")
    private @Nullable Path output;

    private static final class Source {
        @Option(
                names = "--sensitivity",
                paramLabel = "FILE",
                description = "Measured sensitivities: JSON {task: {module: sensitivity}}.")
        private @Nullable Path sensitivity;

        @Option(
                names = "--model",
                paramLabel = "MODEL",
                description = "The model's folder or name: its matrices, and how many weights are trained.")
        private @Nullable String model;
    }

    @Override
    public void run() {
        if (output != null && Files.exists(output)) {
            throw new InputException(output + " exists already; choose another place, or remove it.");
        }
        var chosen = rule.rule();
        var matrices = matrices();
        var allocation = chosen.allocate(matrices);
        if (output != null) {
            AtomicFiles.writeString(output, allocation.json());
        }
        var out = spec.commandLine().getOut();
        out.println(AllocationTable.of(allocation));
        summary(allocation, matrices, out);
        if (output != null) {
            out.println("Written: " + output);
        }
        out.flush();
    }

    private Matrices matrices() {
        if (source.model != null) {
            Engine.load();
            try (var model = AutoModel.open(ModelLocator.locate(source.model), ScalarType.Float)) {
                var matrices = ModelMatrices.of(model, TargetModules.allLinear());
                return source.sensitivity == null ? matrices : matrices.with(Sensitivities.read(source.sensitivity));
            }
        }
        if (source.sensitivity == null) {
            throw new InputException("Which matrices? Give --sensitivity, --model or both.");
        }
        return Matrices.of(Sensitivities.read(source.sensitivity));
    }

    private void summary(Allocation allocation, Matrices matrices, PrintWriter out) {
        out.println(TensorTable.count(allocation.total()) + " " + rule.counted() + " in "
                + allocation.chosen().size() + " of "
                + allocation.counts().size() + " matrices.");
        if (matrices.shapes().isEmpty()) {
            return;
        }
        var lora = AllocationRule.uniform(rule.rank(), rule.grouping()).allocate(matrices);
        var uniform =
                AllocationRule.uniform(allocation.largest(), rule.grouping()).allocate(matrices);
        out.println("Trained weights: " + weights(rule.cost(), allocation, matrices) + ".");
        out.println("LoRA of rank " + rule.rank() + " on the group: " + weights(Cost.ranks(), lora, matrices) + ".");
        out.println(allocation.largest() + " " + rule.counted() + " for every matrix of the group: "
                + weights(rule.cost(), uniform, matrices) + ".");
    }

    private static String weights(Cost cost, Allocation allocation, Matrices matrices) {
        return TensorTable.count(cost.total(allocation, matrices.shapes()));
    }
}
