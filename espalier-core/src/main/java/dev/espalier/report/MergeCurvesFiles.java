package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.evaluate.Estimate;
import dev.espalier.json.Json;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.report.MergeCurves.Draw;
import dev.espalier.report.MergeCurves.Point;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Merge curves for programs: {@code merges.json} has every draw with each task's score, {@code merges.csv} a row for each
 * curve and count. What is not known is left out, in CSV empty.
 */
public final class MergeCurvesFiles {
    /** Everything. */
    public static final String JSON = "merges.json";

    /** A row for each curve and count. */
    public static final String CSV = "merges.csv";

    private MergeCurvesFiles() {}

    /** Writes both into {@code folder}; older ones are replaced whole. */
    public static void write(Path folder, MergeCurves curves) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("metric", curves.metric());
        json.put("counts", curves.counts());
        json.put(
                "curves", curves.curves().stream().map(MergeCurvesFiles::object).toList());
        AtomicFiles.writeString(folder.resolve(JSON), Json.pretty(json));
        AtomicFiles.writeString(folder.resolve(CSV), csv(curves));
    }

    private static Map<String, Object> object(Curve curve) {
        Map<String, Object> object = new LinkedHashMap<>();
        curve.experts().ifPresent(kind -> object.put("experts", kind));
        object.put("method", curve.method());
        object.put("merged", curve.merged());
        object.put(
                "points", curve.points().stream().map(MergeCurvesFiles::object).toList());
        return object;
    }

    private static Map<String, Object> object(Point point) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("count", point.count());
        object.put("held_in", numbers(point.heldIn()));
        point.heldOut().ifPresent(estimate -> object.put("held_out", numbers(estimate)));
        object.put("draws", point.draws().stream().map(MergeCurvesFiles::object).toList());
        return object;
    }

    private static Map<String, Object> object(Draw draw) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("held_in", scores(draw.heldIn()));
        if (!draw.heldOut().isEmpty()) {
            object.put("held_out", scores(draw.heldOut()));
        }
        return object;
    }

    private static Map<String, Double> scores(Map<String, Estimate> tasks) {
        Map<String, Double> scores = new LinkedHashMap<>();
        tasks.forEach((task, estimate) -> scores.put(task, estimate.value()));
        return scores;
    }

    private static Map<String, Double> numbers(Estimate estimate) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        numbers.put("mean", estimate.value());
        if (estimate.isBounded()) {
            numbers.put("low", estimate.interval().low());
            numbers.put("high", estimate.interval().high());
        }
        return numbers;
    }

    private static String csv(MergeCurves curves) {
        List<String> lines = new ArrayList<>();
        lines.add("experts,method,merged,count,draws,held_in_mean,held_in_low,held_in_high,held_out_mean,held_out_low,"
                + "held_out_high");
        for (var curve : curves.curves()) {
            for (var point : curve.points()) {
                lines.add(String.join(
                        ",",
                        CsvLines.quoted(curve.experts().orElse("")),
                        CsvLines.quoted(curve.method()),
                        Boolean.toString(curve.merged()),
                        Integer.toString(point.count()),
                        Integer.toString(point.draws().size()),
                        cells(numbers(point.heldIn())),
                        cells(point.heldOut().map(MergeCurvesFiles::numbers).orElse(Map.of()))));
            }
        }
        return String.join("\n", lines) + "\n";
    }

    private static String cells(Map<String, Double> numbers) {
        return cell(numbers, "mean") + "," + cell(numbers, "low") + "," + cell(numbers, "high");
    }

    private static String cell(Map<String, Double> numbers, String key) {
        var value = numbers.get(key);
        return value == null ? "" : value.toString();
    }
}
