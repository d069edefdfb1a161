package dev.espalier.report;

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

    static String fixed(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
