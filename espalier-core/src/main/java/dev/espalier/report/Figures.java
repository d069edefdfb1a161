package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.Locale;

/** Numbers as people read them. */
final class Figures {
    private Figures() {}

    /** {@code 294,912}. */
    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** Three decimals. */
    static String score(double value) {
        return Double.isFinite(value) ? fixed(value, 3) : "–";
    }

    /** {@code 0.768 [0.729, 0.803]}, without the interval where it is not known. */
    static String score(Estimate estimate) {
        var interval = estimate.interval();
        return score(estimate.value())
                + (estimate.isBounded() ? " [" + score(interval.low()) + ", " + score(interval.high()) + "]" : "");
    }

    /** {@code +0.012 [-0.004, +0.028]}. */
    static String difference(Estimate estimate) {
        var interval = estimate.interval();
        return signed(estimate.value())
                + (estimate.isBounded() ? " [" + signed(interval.low()) + ", " + signed(interval.high()) + "]" : "");
    }

    private static String signed(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%+.3f", value) : "–";
    }

    /** {@code 12.5 %}. */
    static String percent(double share) {
        return Double.isFinite(share) ? fixed(100 * share, 1) + " %" : "–";
    }

    /** {@code 8.4 s}, {@code 1 min 23 s}, {@code 2 h 05 min}. */
    static String duration(double seconds) {
        if (!Double.isFinite(seconds)) {
            return "–";
        }
        if (seconds < 60) {
            return fixed(seconds, 1) + " s";
        }
        var whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
    }

    /** {@code 412 MB}, {@code 1.3 GB}. */
    static String megabytes(double megabytes) {
        if (!Double.isFinite(megabytes)) {
            return "–";
        }
        return megabytes < 1000 ? Math.round(megabytes) + " MB" : fixed(megabytes / 1000, 1) + " GB";
    }

    /** {@code 0.6 MB}, in 1,000,000 bytes. */
    static String fileSize(double bytes) {
        return fixed(bytes / 1e6, 1) + " MB";
    }

    static String fixed(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
