package dev.espalier.report;

/**
 * The room of a chart and what frames the plot in it: grid, labels of ticks, the base line with its axis' name.
 *
 * @param width in pixels
 * @param height in pixels
 * @param left from the edge to the plot, with the labels of what stands there
 * @param right from the plot to the edge
 * @param top from the edge to the plot
 * @param bottom from the plot to the edge, with the labels of ticks
 */
record ChartFrame(double width, double height, double left, double right, double top, double bottom) {
    /**
     * Opens the chart as {@code svg}.
     *
     * @param look its classes in the style sheet
     * @param label what it shows, for readers that do not see it
     */
    Markup open(String look, String label) {
        return new Markup()
                .open(
                        "svg",
                        "class",
                        look,
                        "viewBox",
                        "0 0 " + (int) width + " " + (int) height,
                        "role",
                        "img",
                        "aria-label",
                        label);
    }

    /** Where a share of the plot's width lies: 0 at its left end, 1 at its right. */
    double x(double share) {
        return left + share * (width - left - right);
    }

    /** Where a share of the plot's height lies: 0 on the base line, 1 at its top. */
    double y(double share) {
        return floor() - share * (floor() - top);
    }

    private double floor() {
        return height - bottom;
    }

    /** The grid of an upright axis, with its labels. */
    void values(Markup svg, Axis axis) {
        for (var tick : axis.ticks()) {
            double y = y(axis.position(tick));
            across(svg, "grid", y);
            svg.element("text", axis.label(tick), "class", "tick", "x", left - 8, "y", y + 4, "text-anchor", "end");
        }
    }

    /** The label of a tick below the plot. */
    void tick(Markup svg, double x, String label) {
        svg.element("text", label, "class", "tick", "x", x, "y", floor() + 18, "text-anchor", "middle");
    }

    /** A line from the plot's top to its base line. */
    void upright(Markup svg, String look, double x) {
        svg.empty("line", "class", look, "x1", x, "x2", x, "y1", top, "y2", floor());
    }

    /** The line below the plot, and what its axis counts. */
    void base(Markup svg, String counted) {
        across(svg, "axis", floor());
        svg.element("text", counted, "class", "tick", "x", width - right, "y", height - 5, "text-anchor", "end");
    }

    private void across(Markup svg, String look, double y) {
        svg.empty("line", "class", look, "x1", left, "x2", width - right, "y1", y, "y2", y);
    }
}
