package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The page a person looks at after one or several runs: HTML with its style and drawings inside, so that it opens from
 * a mail or an archive, without network and scripts, in light and dark.
 */
public final class Report {
    /** The usual name of the page in a run folder. */
    public static final String FILE = "report.html";

    private static final String STYLE = "report.css";

    private Report() {}

    /** Writes the page; an older one is replaced whole. */
    public static void write(Path file, String title, List<RunHistory> runs) {
        var page = html(title, runs);
        AtomicFiles.write(file, temporary -> Files.writeString(temporary, page, StandardCharsets.UTF_8));
    }

    /** The page's text; the same runs give the same text. */
    public static String html(String title, List<RunHistory> runs) {
        var page = new Markup()
                .trusted("<!DOCTYPE html>\n")
                .open("html", "lang", "en")
                .open("head")
                .empty("meta", "charset", "utf-8")
                .empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
                .empty("meta", "name", "color-scheme", "content", "light dark")
                .element("title", title)
                .open("style")
                .trusted(style())
                .close("style")
                .close("head")
                .open("body")
                .open("main")
                .element("h1", title)
                .add(RunsSection.of(runs))
                .add(CurvesSection.of(runs));
        for (int run = 0; run < runs.size(); run++) {
            page.add(RouterSection.of(run, runs.get(run)));
        }
        runs.forEach(run -> page.add(ConfusionSection.of(run)));
        return page.close("main").close("body").close("html").toString();
    }

    private static String style() {
        try (var stream = Report.class.getResourceAsStream(STYLE)) {
            if (stream == null) {
                throw new IllegalStateException(STYLE + " is missing from the jar.");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
