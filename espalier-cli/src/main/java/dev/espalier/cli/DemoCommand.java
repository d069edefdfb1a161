package dev.espalier.cli;

import dev.espalier.cli.recipe.Recipes;
import dev.espalier.report.Report;
import dev.espalier.report.RunHistory;
import dev.espalier.report.RunTable;
import dev.espalier.tensor.Engine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains the same task three ways and compares. */
@Command(
        name = "demo",
        description = "Trains LoRA and SiRA on a real task, in under five minutes, and shows which does better.",
        footer = {
            "",
            "The task: all-MiniLM-L6-v2 reads a word with its WordNet gloss and says which of 24 kinds of things it is.",
            "",
            "Examples:",
            "  espalier demo --quick",
            "  espalier demo --output runs/first"
        })
final class DemoCommand implements Callable<Integer> {
    /** A part of the rows, once. */
    private static final List<String> QUICK =
            List.of("tasks.0.limit=480", "training.epochs=1", "training.evaluate-every=0");

    /** Rank 72 has as many trained weights as SiRA's 16 experts of rank 4 and their routers. */
    private static final List<Contestant> CONTESTANTS = List.of(
            new Contestant("lora-r16", List.of("adapter.method=lora", "adapter.rank=16", "adapter.alpha=32")),
            new Contestant("lora-r72", List.of("adapter.method=lora", "adapter.rank=72", "adapter.alpha=144")),
            new Contestant("sira", List.of("adapter.method=sira")));

    private record Contestant(String name, List<String> overrides) {}

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private CommandSpec spec;

    @Option(names = "--quick", description = "The same on a small part of the data, in under a minute.")
    private boolean quick;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description = "Folder of the three runs; by default runs/demo, or runs/demo-2 and so on if it is there.")
    private @Nullable Path output;

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        var err = spec.commandLine().getErr();
        var folder = output == null ? newFolder() : output;
        var common = new ArrayList<>(quick ? QUICK : List.of());
        common.add("dtype=" + Engine.usualDtype());
        var tasks = RecipeRun.tasks(Recipes.parse(recipe(), "demo.yaml", common));
        List<Path> runs = new ArrayList<>();
        for (var contestant : CONTESTANTS) {
            err.println();
            err.println("Run " + (runs.size() + 1) + " of " + CONTESTANTS.size() + ": " + contestant.name);
            var overrides = Stream.concat(contestant.overrides.stream(), common.stream());
            var recipe = Recipes.parse(recipe(), "demo.yaml", overrides.toList());
            var result = new RecipeRun(recipe, folder.resolve(contestant.name)).run(tasks, false, err);
            if (result.stopped()) {
                return Interrupts.EXIT_CODE;
            }
            runs.add(result.folder().path());
        }
        var histories = runs.stream().map(RunHistory::read).toList();
        Report.write(folder.resolve(Report.FILE), "LoRA and SiRA on noun-supersense", histories);
        out.println();
        out.println(RunTable.of(histories));
        out.println("Report    " + folder.resolve(Report.FILE));
        out.println("Adapters  " + folder + "/{"
                + String.join(",", CONTESTANTS.stream().map(Contestant::name).toList()) + "}/adapter");
        out.println("Try now   " + Shell.program() + " predict " + Shell.quote(runs.get(runs.size() - 1))
                + " \"violin: a bowed instrument with four strings\"");
        out.flush();
        return 0;
    }

    private static Path newFolder() {
        return IntStream.iterate(1, i -> i + 1)
                .mapToObj(i -> Path.of("runs", i == 1 ? "demo" : "demo-" + i))
                .filter(path -> !Files.exists(path))
                .findFirst()
                .orElseThrow();
    }

    private static String recipe() {
        try (var resource = DemoCommand.class.getResourceAsStream("demo.yaml")) {
            if (resource == null) {
                throw new IllegalStateException("demo.yaml is missing from the jar");
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("demo.yaml cannot be read", e);
        }
    }
}
