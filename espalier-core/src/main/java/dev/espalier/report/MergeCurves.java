package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How well adapters do after they were merged, by how many there are.
 *
 * @param metric what tasks are judged by, for people
 * @param counts how many adapters are merged, rising
 * @param curves those of one kind of experts stand together
 */
public record MergeCurves(String metric, List<Integer> counts, List<Curve> curves) {
    public MergeCurves {
        counts = List.copyOf(counts);
        curves = List.copyOf(curves);
    }

    /**
     * One way to get a model for several tasks.
     *
     * @param experts the kind of the experts; empty where there are none
     * @param method how they are merged, or what stands in the merge's place
     * @param merged whether they are: a baseline has scores on the same tasks, but no merge
     * @param points one for each count
     */
    public record Curve(Optional<String> experts, String method, boolean merged, List<Point> points) {
        public Curve {
            points = List.copyOf(points);
        }

        /** For tables and legends. */
        public String name() {
            return experts.map(kind -> kind + ", " + method).orElse(method);
        }
    }

    /**
     * The draws of one count.
     *
     * @param range what scores can be; intervals are cut there
     * @param draws at least one
     */
    public record Point(int count, Interval range, List<Draw> draws) {
        public Point {
            draws = List.copyOf(draws);
        }

        /** The mean over the merged adapters' own tasks, over draws; of one draw with the interval of its test rows. */
        public Estimate heldIn() {
            return estimate(draws.stream().map(Draw::heldIn).toList());
        }

        /** The same over tasks that none of the adapters was trained on; empty where they were not scored. */
        public Optional<Estimate> heldOut() {
            var scored = draws.stream()
                    .map(Draw::heldOut)
                    .filter(scores -> !scores.isEmpty())
                    .toList();
            return scored.isEmpty() ? Optional.empty() : Optional.of(estimate(scored));
        }

        private Estimate estimate(List<Map<String, Estimate>> draws) {
            // The same scores again, such as those of the bare model on tasks held out, tell no more of the draws.
            var different = draws.stream().distinct().toList();
            var estimate = different.size() == 1
                    ? mean(different.get(0))
                    : Estimate.ofMean(different.stream()
                            .mapToDouble(draw -> mean(draw).value())
                            .toArray());
            return estimate.within(range);
        }

        private static Estimate mean(Map<String, Estimate> tasks) {
            var weights = new double[tasks.size()];
            Arrays.fill(weights, 1.0 / tasks.size());
            return Estimate.ofSum(List.copyOf(tasks.values()), weights);
        }
    }

    /**
     * Scores by task.
     *
     * @param heldIn of the tasks whose adapters were drawn; at least one
     * @param heldOut of the other tasks; may be empty
     */
    public record Draw(Map<String, Estimate> heldIn, Map<String, Estimate> heldOut) {
        public Draw {
            heldIn = Collections.unmodifiableMap(new LinkedHashMap<>(heldIn));
            heldOut = Collections.unmodifiableMap(new LinkedHashMap<>(heldOut));
        }
    }

    /** The kinds of experts, in order. */
    List<String> kinds() {
        return curves.stream()
                .flatMap(curve -> curve.experts().stream())
                .distinct()
                .toList();
    }

    /** The curves of one kind of experts, and those that need none. */
    List<Curve> of(String kind) {
        return curves.stream()
                .filter(curve -> curve.experts().map(kind::equals).orElse(true))
                .toList();
    }

    /** The methods that several kinds of experts are merged by, with their curves. */
    Map<String, List<Curve>> byMethod() {
        Map<String, List<Curve>> byMethod = new LinkedHashMap<>();
        curves.stream()
                .filter(Curve::merged)
                .forEach(curve ->
                        byMethod.merge(curve.method(), List.of(curve), (a, b) -> Stream.concat(a.stream(), b.stream())
                                .toList()));
        byMethod.values().removeIf(several -> several.size() < 2);
        return byMethod;
    }

    /** A row for each curve: held in and held out, by count. */
    public TextTable table() {
        var columns = new ArrayList<TextTable.Column>();
        columns.add(TextTable.Column.text("experts"));
        columns.add(TextTable.Column.text("method"));
        for (var part : List.of("held in", "held out")) {
            counts.forEach(count -> columns.add(TextTable.Column.number(part + " " + count)));
        }
        var table = new TextTable(columns);
        for (var curve : curves) {
            var cells = new ArrayList<String>();
            cells.add(curve.experts().orElse("–"));
            cells.add(curve.method());
            counts.forEach(count -> cells.add(cell(point(curve, count).map(Point::heldIn))));
            counts.forEach(count -> cells.add(cell(point(curve, count).flatMap(Point::heldOut))));
            table.row(cells);
        }
        return table;
    }

    static Optional<Point> point(Curve curve, int count) {
        return curve.points().stream().filter(point -> point.count() == count).findFirst();
    }

    private static String cell(Optional<Estimate> estimate) {
        return estimate.map(Figures::score).orElse("–");
    }
}
