package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.evaluate.Estimate;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.report.MergeCurves.Point;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The page about a study of merges: for each kind of experts its curves by method, for each method by kind of experts. */
public final class MergeCurvesReport {
    private static final String COUNTED = "adapters merged";

    private MergeCurvesReport() {}

    /**
     * Writes the page; an older one is replaced whole.
     *
     * @param note how the numbers were made, a sentence or two
     */
    public static void write(Path file, String title, String note, MergeCurves curves) {
        AtomicFiles.writeString(file, html(title, note, curves));
    }

    /** The page's text; the same curves give the same text. */
    public static String html(String title, String note, MergeCurves curves) {
        var sections = new ArrayList<Markup>();
        var table = curves.table();
        sections.add(new Markup()
                .open("section")
                .element("h2", "Mean " + curves.metric())
                .element("p", note)
                .open("div", "class", "scroll")
                .add(RunsSection.table(table, row -> row))
                .close("div")
                .close("section"));
        for (var kind : curves.kinds()) {
            sections.add(section("Experts: " + kind, curves, curves.of(kind), Curve::method));
        }
        curves.byMethod()
                .forEach(
                        (method, of) -> sections.add(section("Merged by " + method, curves, of, curve -> curve.experts()
                                .orElse(""))));
        return Page.of(title, sections);
    }

    private static Markup section(String heading, MergeCurves all, List<Curve> curves, Function<Curve, String> named) {
        return new Markup()
                .open("section")
                .element("h2", heading)
                .open("div", "class", "pair")
                .add(chart(
                        "Mean " + all.metric() + " on the tasks of the merged adapters",
                        curves,
                        named,
                        point -> Optional.of(point.heldIn())))
                .add(chart("Mean " + all.metric() + " on tasks held out", curves, named, Point::heldOut))
                .close("div")
                .close("section");
    }

    private static Markup chart(
            String caption,
            List<Curve> curves,
            Function<Curve, String> named,
            Function<Point, Optional<Estimate>> estimate) {
        var lines = new ArrayList<CountChart.Line>();
        for (int place = 0; place < curves.size(); place++) {
            var curve = curves.get(place);
            Map<Integer, Estimate> points = new LinkedHashMap<>();
            curve.points().forEach(point -> estimate.apply(point).ifPresent(known -> points.put(point.count(), known)));
            if (!points.isEmpty()) {
                lines.add(new CountChart.Line(named.apply(curve), place, !curve.merged(), points));
            }
        }
        return lines.isEmpty() ? new Markup() : new CountChart(COUNTED, lines).figure(caption);
    }
}
