package dev.espalier.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A curve of a chart.
 *
 * @param name for the legend and tooltips
 * @param color number of its colour
 * @param look how it is drawn
 */
record Series(String name, int color, Look look, List<Point> points) {
    /** Points between which no screen can tell. */
    private static final int MOST_POINTS = 800;

    Series {
        points = points.stream().filter(Point::isFinite).toList();
    }

    record Point(double x, double y) {
        boolean isFinite() {
            return Double.isFinite(x) && Double.isFinite(y);
        }
    }

    enum Look {
        /** The curve itself. */
        LINE,
        /** The curve with a mark, and a tooltip, at every point. */
        MARKED,
        /** A companion of a curve. */
        DASHED,
        /** Raw values behind a curve; may leave the chart where they are extreme. */
        FAINT
    }

    /** Exponential moving average over about a twentieth of the curve, without the pull of a start at 0. */
    Series smoothed() {
        var keep = 1 - 1 / Math.max(1, points.size() / 20.0);
        List<Point> smooth = new ArrayList<>();
        double sum = 0;
        double weight = 0;
        for (var point : points) {
            sum = keep * sum + point.y();
            weight = keep * weight + 1;
            smooth.add(new Point(point.x(), sum / weight));
        }
        return new Series(name, color, Look.LINE, smooth);
    }

    /** The same curve with at most 800 points, the last among them. */
    Series thinned() {
        var stride = (points.size() + MOST_POINTS - 1) / MOST_POINTS;
        if (stride <= 1) {
            return this;
        }
        List<Point> kept = new ArrayList<>();
        for (int i = points.size() - 1; i >= 0; i -= stride) {
            kept.add(0, points.get(i));
        }
        return new Series(name, color, look, kept);
    }
}
