package dev.espalier.report;

import java.util.List;

/** A chart below its caption and legend; one that is too wide for its place scrolls. */
final class ChartFigure {
    private ChartFigure() {}

    /** A name of the legend and the number of its colour. */
    record Entry(String name, int color) {}

    /** A chart that needs no legend. */
    static Markup of(String caption, Markup chart) {
        return of(caption, List.of(), chart);
    }

    static Markup of(String caption, List<Entry> legend, Markup chart) {
        var figure = new Markup().open("figure").element("figcaption", caption);
        if (!legend.isEmpty()) {
            figure.open("ul", "class", "legend");
            legend.forEach(entry -> figure.open("li")
                    .add(RunsSection.swatch(entry.color))
                    .text(entry.name)
                    .close("li"));
            figure.close("ul");
        }
        return figure.open("div", "class", "scroll").add(chart).close("div").close("figure");
    }
}
