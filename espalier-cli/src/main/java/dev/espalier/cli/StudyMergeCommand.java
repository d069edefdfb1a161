package dev.espalier.cli;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.cli.recipe.StudyRecipe;
import dev.espalier.cli.recipe.StudyRecipes;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.report.MergeCurves;
import dev.espalier.report.MergeCurvesFiles;
import dev.espalier.report.MergeCurvesReport;
import dev.espalier.report.Report;
import dev.espalier.study.MergeStudy;
import dev.espalier.tensor.Engine;
import dev.espalier.train.Training;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains an expert for each task, merges some of them in many ways, and says how good what comes of it is. */
@Command(
        name = "merge",
        description =
                "Trains an expert for each task, merges 2, 5, 10, 20 of them by each method, and scores what comes of it"
                        + " on their own tasks and on others.",
        footer = {
            "",
            "Ctrl-C stops; the same command goes on from there. Experts and scores that are there are not made again.",
            "",
            "Examples:",
            "  espalier study merge examples/study.yaml",
            "  espalier study merge examples/study.yaml --output runs/short --set counts=[2,5] --set limit=300"
        })
final class StudyMergeCommand implements Callable<Integer> {
    private static final double NANOS_PER_MINUTE = 60e9;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private CommandSpec spec;

    @Parameters(paramLabel = "STUDY.yaml", description = "The study; see docs/study.md for its keys.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description =
                    "Where experts, scores, tables and the report go; by default the study's output, else runs/NAME-OF-THE-STUDY.")
    private @Nullable Path output;

    @Mixin
    private final SideBySide sideBySide = new SideBySide();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Change a key of the study, such as training.epochs=5. May be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Override
    public Integer call() {
        var err = spec.commandLine().getErr();
        // On the main thread, before others use tensors.
        Engine.load();
        var study = StudyRecipes.read(file, overrides);
        var folder = folder(study.output());
        var runs = new StudyRuns(study, AutoModel.isDecoder(ModelLocator.locate(study.model())), folder);
        var plan = study.plan();
        var training = training(study, runs);
        // Before anything is trained: what cannot be scored need not be.
        var merges = new MergeStudy(training, plan, runs.experts(), study.rows(), folder);
        if (!new SavedRuns(runs.all(), sideBySide.runsOr(1), err).finish(runs::tasks)) {
            return Interrupts.EXIT_CODE;
        }
        var curves = score(merges, err);
        if (curves.isEmpty()) {
            err.println("Stopped. " + SavedRuns.PROCEED);
            err.flush();
            return Interrupts.EXIT_CODE;
        }
        write(study, folder, curves.get());
        return 0;
    }

    private Path folder(@Nullable String ofStudy) {
        if (output != null) {
            return output;
        }
        return ofStudy == null
                ? Path.of("runs", file.getFileName().toString().replaceFirst("\\.ya?ml$", ""))
                : Path.of(ofStudy);
    }

    private static Training training(StudyRecipe study, StudyRuns runs) {
        var training = Training.of(study.model())
                .pooling(study.pooling())
                .options(study.scoring())
                .labelEmbeddings(study.labelEmbeddings().settings());
        for (var task : runs.tasks()) {
            training = training.task(task);
        }
        return training;
    }

    private static Optional<MergeCurves> score(MergeStudy merges, PrintWriter err) {
        var stop = new AtomicBoolean();
        var told = new Told(err);
        try (var interrupts = new Interrupts(() -> {
            err.println();
            err.println("Stopping after this task; what is scored is kept. Interrupt again to stop at once.");
            err.flush();
            stop.set(true);
        })) {
            return merges.run(stop::get, told);
        }
    }

    /** Says what is scored, and how long the rest will take if it goes on so. */
    private static final class Told implements MergeStudy.Listener {
        private final PrintWriter err;
        private long start;
        private int first;

        Told(PrintWriter err) {
            this.err = err;
        }

        @Override
        public void scoring(String what, int place, int of) {
            if (first == 0) {
                start = System.nanoTime();
                first = place;
                err.println();
            }
            int done = place - first;
            double minutes = (System.nanoTime() - start) / NANOS_PER_MINUTE;
            err.println("Scoring " + place + " of " + of + " (" + what + ")"
                    + (done < 2
                            ? ""
                            : ", about " + Math.max(1, Math.round(minutes / done * (of - place + 1))) + " min left"));
            err.flush();
        }
    }

    private void write(StudyRecipe study, Path folder, MergeCurves curves) {
        AtomicFiles.writeString(folder.resolve("study.yaml"), StudyRecipes.resolved(study));
        MergeCurvesFiles.write(folder, curves);
        var note = note(study);
        MergeCurvesReport.write(folder.resolve(Report.FILE), "Merges of adapters on " + study.model(), note, curves);
        var out = spec.commandLine().getOut();
        out.println();
        out.println(curves.table());
        out.println(note);
        out.println("Report   " + folder.resolve(Report.FILE));
        out.println("Tables   " + folder.resolve(MergeCurvesFiles.CSV) + ", " + folder.resolve(MergeCurvesFiles.JSON));
        out.println("Scores   " + folder.resolve(MergeStudy.SCORES));
        out.println("Experts  " + folder.resolve("experts"));
        out.flush();
    }

    private static String note(StudyRecipe study) {
        int others = study.heldOut().size();
        return "Means over the tasks of the merged adapters (held in)"
                + (others == 0 ? "" : " and over " + others + (others == 1 ? " other" : " others") + " (held out)")
                + (study.rows() == 0 ? "" : ", of at most " + study.rows() + " test rows each")
                + ". With several draws the 95 % interval is Student's over draws, cut at 0 and 1; with one,"
                + " that of the test rows.";
    }
}
