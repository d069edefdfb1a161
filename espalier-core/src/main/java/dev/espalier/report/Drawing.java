package dev.espalier.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Charts side by side as one SVG file, with their captions, legend and style inside, for documents. */
final class Drawing {
    private static final double MARGIN = 16;
    private static final double GAP = 28;
    private static final double LINE = 20;
    /** Of a letter, roughly: text is not measured here. */
    private static final double LETTER = 7;

    private static final String FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

    private final List<Panel> panels = new ArrayList<>();
    private final List<ChartFigure.Entry> legend;

    private record Panel(String caption, double width, double height, Markup svg) {}

    Drawing(List<ChartFigure.Entry> legend) {
        this.legend = List.copyOf(legend);
    }

    /**
     * Adds a chart to the right.
     *
     * @param frame of its size
     * @param svg gives its {@code svg} element, labelled with the caption
     */
    void add(String caption, ChartFrame frame, Function<String, Markup> svg) {
        panels.add(new Panel(caption, frame.width(), frame.height(), svg.apply(caption)));
    }

    /** The file's text. */
    @Override
    public String toString() {
        double width =
                2 * MARGIN + panels.stream().mapToDouble(Panel::width).sum() + GAP * Math.max(0, panels.size() - 1);
        double top = MARGIN + LINE * lines(width) + LINE;
        double height = top + panels.stream().mapToDouble(Panel::height).max().orElse(0) + MARGIN;
        var drawing = new Markup()
                .open(
                        "svg",
                        "xmlns",
                        "http://www.w3.org/2000/svg",
                        "width",
                        width,
                        "height",
                        height,
                        "viewBox",
                        "0 0 " + Markup.number(width) + " " + Markup.number(height),
                        "font-family",
                        FONT)
                .open("style")
                .trusted(Page.style())
                .close("style")
                .empty("rect", "width", "100%", "height", "100%", "fill", "var(--card)");
        names(drawing, width);
        double x = MARGIN;
        for (var panel : panels) {
            drawing.element("text", panel.caption, "class", "name", "x", x, "y", top - 8)
                    .open("svg", "x", x, "y", top, "width", panel.width, "height", panel.height)
                    .add(panel.svg)
                    .close("svg");
            x += panel.width + GAP;
        }
        return drawing.close("svg").toString();
    }

    private int lines(double width) {
        return legend.isEmpty() ? 0 : place(legend.size() - 1, width).line + 1;
    }

    private record Place(double x, int line) {}

    private Place place(int entry, double width) {
        double x = MARGIN;
        int line = 0;
        for (int i = 0; i < entry; i++) {
            x += length(legend.get(i));
            if (x + length(legend.get(i + 1)) > width - MARGIN) {
                x = MARGIN;
                line++;
            }
        }
        return new Place(x, line);
    }

    private static double length(ChartFigure.Entry entry) {
        return 36 + LETTER * entry.name().length();
    }

    private void names(Markup drawing, double width) {
        for (int i = 0; i < legend.size(); i++) {
            var entry = legend.get(i);
            var place = place(i, width);
            double y = MARGIN + LINE * place.line;
            drawing.empty(
                            "rect",
                            "class",
                            "b" + CurvesSection.color(entry.color()),
                            "x",
                            place.x,
                            "y",
                            y,
                            "width",
                            11,
                            "height",
                            11,
                            "rx",
                            3)
                    .element("text", entry.name(), "class", "tick", "x", place.x + 18, "y", y + 10);
        }
    }
}
