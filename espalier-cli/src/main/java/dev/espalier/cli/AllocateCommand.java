package dev.espalier.cli;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Cost;
import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Stability;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.report.AllocationReport;
import dev.espalier.report.AllocationTable;
import dev.espalier.train.Probed;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Decides how many experts, or which rank, each weight matrix of a model gets. */
@Command(
        name = "allocate",
        description =
                "Measures which weight matrices tasks depend on, and decides how many experts, or which rank, each gets.",
        footer = {
            "",
            "Rules:",
            "  percentile    an expert for each task that a matrix is among the more sensitive of its group for",
            "  proportional  a budget shared out by sensitivity",
            "  depth         by the part of the layers that a matrix lies in",
            "  uniform       the same for every matrix",
            "  table         as written by hand",
            "",
            "With a recipe, the sensitivities are written beside the allocation (.sensitivity.json), and a page that",
            "shows both (.html).",
            "",
            "Examples:",
            "  espalier allocate my.yaml --group attention --keep 60 --output experts.json",
            "  espalier allocate --sensitivity experts.sensitivity.json --rule proportional --budget 48 --maximum 4",
            "  espalier allocate --model path/to/model --rule depth --by-depth 2,4,6,8 --output experts.json",
            "  espalier allocate --model path/to/model --rule depth --by-depth 4,8 --unit ranks"
        })
final class AllocateCommand implements Runnable {
    private static final String JSON = ".json";

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, heading = "%nMatrices:%n")
    private final AllocationSource source = new AllocationSource();

    @ArgGroup(exclusive = false, heading = "%nRule:%n")
    private final RuleOptions rule = new RuleOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description =
                    "Write the allocation, JSON {module: experts}, to this file; nothing may be there yet. With a recipe, by default NAME-OF-THE-RECIPE.allocation.json.")
    private @Nullable Path output;

    @Override
    public void run() {
        var chosen = rule.rule();
        source.check(rule);
        var files = Optional.ofNullable(output)
                .or(() -> source.recipe().map(AllocateCommand::beside))
                .map(file -> new Written(file, source.recipe().isPresent()));
        files.ifPresent(Written::requireNew);
        var known = source.read(spec.commandLine().getErr());
        var allocation = chosen.allocate(known.matrices());
        var facts = new ArrayList<>(weights(allocation, known.matrices()));
        known.probed().ifPresent(probed -> {
            facts.addAll(stability(chosen, probed));
            facts.add("Peak memory: " + TensorTable.count(Math.round(probed.peakMegabytes())) + " MB.");
        });
        files.ifPresent(written -> written.write(allocation, rule.counted(), facts, known.probed()));
        var out = spec.commandLine().getOut();
        out.println(AllocationTable.of(allocation));
        facts.forEach(out::println);
        files.stream().flatMap(Written::paths).forEach(file -> out.println("Written: " + file));
        out.flush();
    }

    private static Path beside(Path recipe) {
        return Path.of(recipe.getFileName().toString().replaceFirst("\\.ya?ml$", "") + ".allocation" + JSON);
    }

    private List<String> weights(Allocation allocation, Matrices matrices) {
        List<String> facts = new ArrayList<>();
        facts.add(TensorTable.count(allocation.total()) + " " + rule.counted() + " in "
                + allocation.chosen().size() + " of "
                + allocation.counts().size() + " matrices.");
        if (!matrices.shapes().isEmpty()) {
            int most = allocation.largest();
            var lora = AllocationRule.uniform(rule.rank(), rule.grouping());
            var uniform = AllocationRule.uniform(most, rule.grouping());
            facts.add("Trained weights: " + weights(rule.cost(), AllocationRule.table(allocation), matrices) + ".");
            facts.add("LoRA of rank " + rule.rank() + " on the group: " + weights(Cost.ranks(), lora, matrices) + ".");
            facts.add("Uniform, with " + most + " for every matrix of the group: "
                    + weights(rule.cost(), uniform, matrices) + ".");
        }
        return facts;
    }

    private static String weights(Cost cost, AllocationRule of, Matrices matrices) {
        return TensorTable.count(cost.total(of.allocate(matrices), matrices.shapes()));
    }

    private static List<String> stability(AllocationRule rule, Probed probed) {
        var known = probed.stability(rule);
        return probed.samples().entrySet().stream()
                .map(task -> "Task " + task.getKey() + ", " + task.getValue()
                        + (task.getValue() == 1 ? " row: " : " rows: ")
                        + Optional.ofNullable(known.get(task.getKey()))
                                .map(AllocateCommand::stability)
                                .orElse("too few to tell how stable the choice is."))
                .toList();
    }

    private static String stability(Stability task) {
        return String.format(
                Locale.ROOT,
                "%d of its %d matrices are chosen by half of them too (overlap %.2f, Jaccard index %.2f).",
                task.common(),
                task.chosen(),
                task.overlap(),
                task.jaccard());
    }

    /** The files of an allocation, and where it was measured of what it goes by. */
    private record Written(Path allocation, boolean measured) {
        Stream<Path> paths() {
            return measured ? Stream.of(allocation, sensitivity(), report()) : Stream.of(allocation);
        }

        private Path sensitivity() {
            return sibling(".sensitivity" + JSON);
        }

        private Path report() {
            return sibling(".html");
        }

        private Path sibling(String extension) {
            var name = allocation.getFileName().toString();
            var stem = name.endsWith(JSON) ? name.substring(0, name.length() - JSON.length()) : name;
            return allocation.resolveSibling(stem + extension);
        }

        void requireNew() {
            paths().filter(Files::exists).findFirst().ifPresent(file -> {
                throw new InputException(file + " exists already; choose another place, or remove it.");
            });
        }

        void write(Allocation allocated, String counted, List<String> facts, Optional<Probed> probed) {
            probed.ifPresent(measurement -> {
                AtomicFiles.writeString(
                        sensitivity(), measurement.sensitivities().json());
                AllocationReport.write(
                        report(),
                        "Allocation of " + counted,
                        allocated,
                        counted,
                        facts,
                        Optional.of(measurement.sensitivities()));
            });
            AtomicFiles.writeString(allocation, allocated.json());
        }
    }
}
