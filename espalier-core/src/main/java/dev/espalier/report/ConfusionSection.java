package dev.espalier.report;

import dev.espalier.report.RunHistory.Test;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The confusion matrix of each test of a run, beside the pairs that were confused most. */
final class ConfusionSection {
    private static final int MOST_PAIRS = 12;

    private ConfusionSection() {}

    private record Pair(String truth, String prediction, long count, double share) {}

    static Markup of(RunHistory run) {
        var section = new Markup();
        for (var test : run.tests()) {
            if (!test.confusion().isEmpty()) {
                section.open("section")
                        .element("h2", "Confusion of " + run.name() + " on " + test.task())
                        .element(
                                "p",
                                "Rows are true labels, columns predictions; numbers are test examples, the shade is "
                                        + "their share of the row.")
                        .open("div", "class", "beside")
                        .open("div", "class", "scroll")
                        .add(heatmap(test).svg("Confusion matrix"))
                        .close("div");
                pairs(section, test);
                section.close("div").close("section");
            }
        }
        return section;
    }

    private static Heatmap heatmap(Test test) {
        List<List<Heatmap.Cell>> cells = new ArrayList<>();
        List<String> recalls = new ArrayList<>();
        for (int row = 0; row < test.labels().size(); row++) {
            var truth = row;
            cells.add(IntStream.range(0, test.labels().size())
                    .mapToObj(prediction -> cell(test, truth, prediction))
                    .toList());
            recalls.add(Figures.percent(share(test, row, row)));
        }
        return new Heatmap(test.labels(), test.labels(), cells, List.of(new Heatmap.Note("recall", recalls)), 22);
    }

    private static Heatmap.Cell cell(Test test, int truth, int prediction) {
        long count = test.confusion().get(truth).get(prediction);
        var share = share(test, truth, prediction);
        return new Heatmap.Cell(
                count == 0 ? "" : Figures.count(count),
                Double.isNaN(share) ? 0 : share,
                test.labels().get(truth) + " predicted as " + test.labels().get(prediction) + ": " + count + " ("
                        + Figures.percent(share) + " of the row)");
    }

    /** Of the row's examples; NaN for a label without examples. */
    private static double share(Test test, int truth, int prediction) {
        var row = test.confusion().get(truth);
        return (double) row.get(prediction)
                / row.stream().mapToLong(Long::longValue).sum();
    }

    private static void pairs(Markup section, Test test) {
        var labels = test.labels();
        List<Pair> pairs = new ArrayList<>();
        for (int truth = 0; truth < labels.size(); truth++) {
            for (int prediction = 0; prediction < labels.size(); prediction++) {
                long count = test.confusion().get(truth).get(prediction);
                if (truth != prediction && count > 0) {
                    pairs.add(
                            new Pair(labels.get(truth), labels.get(prediction), count, share(test, truth, prediction)));
                }
            }
        }
        if (pairs.isEmpty()) {
            return;
        }
        pairs.sort(Comparator.comparingLong(Pair::count)
                .thenComparingDouble(Pair::share)
                .reversed());
        section.open("div", "class", "pairs")
                .element("h3", "Confused most")
                .open("table")
                .open("thead")
                .open("tr")
                .element("th", "true", "class", "text")
                .element("th", "predicted", "class", "text")
                .element("th", "tests", "class", "number")
                .element("th", "of row", "class", "number")
                .close("tr")
                .close("thead")
                .open("tbody");
        pairs.stream().limit(MOST_PAIRS).forEach(pair -> section.open("tr")
                .element("td", pair.truth(), "class", "text")
                .element("td", pair.prediction(), "class", "text")
                .element("td", Figures.count(pair.count()), "class", "number")
                .element("td", Figures.percent(pair.share()), "class", "number")
                .close("tr"));
        section.close("tbody").close("table").close("div");
    }
}
