package dev.espalier.report;

import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.Profile.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where the time of a training step goes, and what it keeps for backward.
 *
 * @param steps how many were measured
 * @param stepSeconds of a step from end to end, the mean
 * @param parts in the order of {@link Part}; their seconds add up to {@code stepSeconds} with {@code waitingSeconds}
 * @param waitingSeconds of a step in which a worker had nothing to do, the mean over workers
 */
public record StepProfile(int steps, double stepSeconds, List<PartOfStep> parts, double waitingSeconds) {
    private static final double MEGABYTE = 1e6;
    private static final double MILLIS = 1e3;

    public StepProfile {
        parts = List.copyOf(parts);
    }

    /**
     * A part of a step.
     *
     * @param forwardSeconds of a step, the mean over workers
     * @param backwardSeconds likewise
     * @param keptBytes for backward, where all parts together keep most, of all workers
     */
    public record PartOfStep(Part part, double forwardSeconds, double backwardSeconds, long keptBytes) {
        public double seconds() {
            return forwardSeconds + backwardSeconds;
        }
    }

    /**
     * The mean of several steps.
     *
     * @param passes of all workers
     * @param around what is done before and after passes, while workers wait
     * @param seconds of all steps from end to end
     */
    public static StepProfile of(Profile passes, Profile around, int steps, int workers, double seconds) {
        var parts = new ArrayList<PartOfStep>();
        double sum = 0;
        for (var each : List.of(part(passes, (double) steps * workers), part(around, steps))) {
            for (var part : each) {
                parts.add(part);
                sum += part.seconds();
            }
        }
        return new StepProfile(steps, seconds / steps, parts, Math.max(0, seconds / steps - sum));
    }

    private static List<PartOfStep> part(Profile profile, double times) {
        return profile.usages().entrySet().stream()
                .map(entry -> {
                    var usage = entry.getValue();
                    return new PartOfStep(
                            entry.getKey(),
                            usage.forwardSeconds() / times,
                            usage.backwardSeconds() / times,
                            usage.keptBytes());
                })
                .toList();
    }

    /** A row for each part. */
    public TextTable table() {
        return table(Map.of(), 0);
    }

    /**
     * The same, beside the work of parts.
     *
     * @param flops operations of a step that parts require, two for a multiply-add
     * @param peak operations a second of the fastest matrix product
     */
    public TextTable table(Map<Part, Double> flops, double peak) {
        var columns = new ArrayList<>(List.of(
                Column.text("part"),
                Column.number("forward"),
                Column.number("backward"),
                Column.number("of the step"),
                Column.number("kept for backward")));
        if (!flops.isEmpty()) {
            columns.add(Column.number("GFLOP"));
            columns.add(Column.number("of GEMM peak"));
        }
        var table = new TextTable(columns);
        for (var part : parts) {
            var cells = new ArrayList<>(List.of(
                    part.part().title(),
                    millis(part.forwardSeconds()),
                    millis(part.backwardSeconds()),
                    share(part.seconds()),
                    String.format(Locale.ROOT, "%,.1f MB", part.keptBytes() / MEGABYTE)));
            if (!flops.isEmpty()) {
                double work = flops.getOrDefault(part.part(), 0.0);
                cells.add(work == 0 ? "" : String.format(Locale.ROOT, "%,.1f", work / 1e9));
                cells.add(work == 0 ? "" : String.format(Locale.ROOT, "%.0f %%", 100 * work / part.seconds() / peak));
            }
            table.row(cells);
        }
        var last = new ArrayList<>(
                List.of("waiting for other workers", millis(waitingSeconds), "", share(waitingSeconds), ""));
        while (last.size() < columns.size()) {
            last.add("");
        }
        return table.row(last);
    }

    private static String millis(double seconds) {
        return String.format(Locale.ROOT, "%,.1f ms", seconds * MILLIS);
    }

    private String share(double seconds) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * seconds / stepSeconds);
    }
}
