package dev.espalier.cli;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.allocation.WeightComparison;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.report.AllocationFacts;
import dev.espalier.report.AllocationReport;
import dev.espalier.report.AllocationTable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
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
            "A page that shows the allocation and the sensitivities is written beside it (.html); with a recipe, the",
            "sensitivities too (.sensitivity.json).",
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
        var known = source.read(chosen, spec.commandLine().getErr());
        var allocation = chosen.allocate(known.matrices());
        var weights = WeightComparison.of(allocation, known.matrices(), rule.cost(), rule.rank(), chosen.grouping());
        var facts = known.probed()
                .map(probed -> probed.facts(chosen, weights))
                .orElseGet(() -> new AllocationFacts(weights, Map.of(), Map.of(), OptionalDouble.empty()))
                .sentences(allocation, rule.counted());
        files.ifPresent(written -> written.write(allocation, rule.counted(), facts, known.sensitivities()));
        var out = spec.commandLine().getOut();
        out.println(AllocationTable.of(allocation));
        facts.forEach(out::println);
        files.stream().flatMap(Written::paths).forEach(file -> out.println("Written: " + file));
        out.flush();
    }

    private static Path beside(Path recipe) {
        return Path.of(recipe.getFileName().toString().replaceFirst("\\.ya?ml$", "") + ".allocation" + JSON);
    }

    /** The files of an allocation, and where it was measured of what it goes by. */
    private record Written(Path allocation, boolean measured) {
        Stream<Path> paths() {
            return measured ? Stream.of(allocation, sensitivity(), report()) : Stream.of(allocation, report());
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

        void write(Allocation allocated, String counted, List<String> facts, Optional<Sensitivities> known) {
            if (measured) {
                known.ifPresent(values -> AtomicFiles.writeString(sensitivity(), values.json()));
            }
            AllocationReport.write(report(), "Allocation of " + counted, allocated, counted, facts, known);
            AtomicFiles.writeString(allocation, allocated.json());
        }
    }
}
