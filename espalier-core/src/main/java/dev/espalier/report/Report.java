package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The page a person looks at after one or several runs: HTML with its style and drawings inside, so that it opens from
 * a mail or an archive, without network and scripts, in light and dark.
 */
public final class Report {
    /** The usual name of the page in a run folder. */
    public static final String FILE = "report.html";

    private Report() {}

    /** Writes the page; an older one is replaced whole. */
    public static void write(Path file, String title, List<RunHistory> runs) {
        var page = html(title, runs);
        AtomicFiles.write(file, temporary -> Files.writeString(temporary, page, StandardCharsets.UTF_8));
    }

    /** The page's text; the same runs give the same text. */
    public static String html(String title, List<RunHistory> runs) {
        List<Markup> sections = new ArrayList<>();
        sections.add(RunsSection.of(runs));
        sections.add(CurvesSection.of(runs));
        for (int run = 0; run < runs.size(); run++) {
            sections.add(RouterSection.of(run, runs.get(run)));
            sections.add(LoadSection.of(run, runs.get(run)));
            sections.add(SimilaritySection.of(run, runs.get(run)));
            sections.addAll(RankSection.of(run, runs.get(run)));
            sections.addAll(KeptSection.of(runs.get(run)));
        }
        runs.forEach(run -> run.allocated().ifPresent(made -> sections.addAll(allocation(run, made))));
        runs.forEach(run -> sections.add(ConfusionSection.of(run)));
        return Page.of(title, sections);
    }

    private static List<Markup> allocation(RunHistory run, RunHistory.Allocated made) {
        boolean ranks =
                run.summary().stream().anyMatch(summary -> summary.method().equals("lora"));
        var allocation = made.allocation();
        var counted = ranks ? "ranks" : "experts";
        return AllocationReport.sections(
                "Allocation of " + run.name(),
                allocation,
                counted,
                made.facts().sentences(allocation, counted),
                made.sensitivities());
    }
}
