package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.evaluate.Metric;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The page about a comparison: its table, results and differences with intervals, results against trained weights. */
public final class ComparisonReport {
    private ComparisonReport() {}

    /** Writes the page; an older one is replaced whole. */
    public static void write(Path file, String title, Comparison comparison) {
        AtomicFiles.writeString(file, html(title, comparison));
    }

    /** The page's text; the same comparison gives the same text. */
    public static String html(String title, Comparison comparison) {
        var runs = ComparisonTable.contenders(comparison);
        return Page.of(
                title,
                List.of(new Markup()
                        .open("section")
                        .element("h2", "Methods")
                        .element("p", comparison.note())
                        .open("div", "class", "scroll")
                        .add(RunsSection.table(ComparisonTable.of(comparison), row -> row))
                        .close("div")
                        .close("section")
                        .open("section")
                        .element("h2", "Results")
                        .open("div", "class", "pair")
                        .add(againstWeights(comparison))
                        .open("div")
                        .add(scores(comparison))
                        .add(differences(comparison))
                        .close("div")
                        .close("div")
                        .close("section")
                        .open("section")
                        .element("h2", "Runs")
                        .open("div", "class", "scroll")
                        .add(RunsSection.table(ComparisonTable.runs(comparison), row -> runs[row]))
                        .close("div")
                        .close("section")));
    }

    /**
     * Results against trained weights, and results with intervals, as an SVG file of its own; empty if there is no result
     * to draw.
     */
    static Optional<String> drawing(Comparison comparison) {
        var dots = dots(comparison);
        var rows = scoreRows(comparison);
        if (dots.isEmpty() || rows.isEmpty()) {
            return Optional.empty();
        }
        var weights = new WeightsChart(dots);
        var scores = new IntervalChart(rows);
        var drawing = new Drawing(weights.legend());
        drawing.add(weightsCaption(comparison), WeightsChart.FRAME, weights::svg);
        drawing.add(scoresCaption(comparison), scores.frame(), scores::svg);
        return Optional.of(drawing.toString());
    }

    private static String weightsCaption(Comparison comparison) {
        return "Test " + metric(comparison) + " against trained weights";
    }

    private static String scoresCaption(Comparison comparison) {
        return "Test " + metric(comparison) + " with 95 % intervals";
    }

    private static Markup againstWeights(Comparison comparison) {
        var dots = dots(comparison);
        return dots.isEmpty()
                ? new Markup()
                : new Markup()
                        .open("div")
                        .add(new WeightsChart(dots).figure(weightsCaption(comparison)))
                        .close("div");
    }

    private static List<WeightsChart.Dot> dots(Comparison comparison) {
        return each(comparison, place -> {
                    var contender = comparison.contenders().get(place);
                    return new WeightsChart.Dot(
                            contender.name(), place, contender.trainedWeights(), comparison.score(contender));
                })
                .filter(dot -> dot.weights() > 0 && Double.isFinite(dot.score().value()))
                .toList();
    }

    private static Markup scores(Comparison comparison) {
        return intervals(scoresCaption(comparison), scoreRows(comparison));
    }

    private static List<IntervalChart.Row> scoreRows(Comparison comparison) {
        return known(each(comparison, place -> {
            var contender = comparison.contenders().get(place);
            return new IntervalChart.Row(contender.name(), place, comparison.score(contender));
        }));
    }

    private static List<IntervalChart.Row> known(Stream<IntervalChart.Row> rows) {
        return rows.filter(row -> row.estimate().isBounded()).toList();
    }

    private static Markup differences(Comparison comparison) {
        return intervals(
                "Difference to " + comparison.baseline().name()
                        + " with 95 % intervals. Where one holds 0, the difference may be chance.",
                known(each(comparison, place -> comparison.contenders().get(place))
                        .flatMap(contender -> comparison
                                .difference(contender)
                                .map(difference -> new IntervalChart.Row(
                                        contender.name(),
                                        comparison.contenders().indexOf(contender),
                                        difference))
                                .stream())));
    }

    private static Markup intervals(String caption, List<IntervalChart.Row> rows) {
        return rows.isEmpty() ? new Markup() : new IntervalChart(rows).figure(caption);
    }

    private static String metric(Comparison comparison) {
        return Metric.label(comparison.metric());
    }

    private static <T> Stream<T> each(Comparison comparison, IntFunction<T> of) {
        return IntStream.range(0, comparison.contenders().size()).mapToObj(of);
    }
}
