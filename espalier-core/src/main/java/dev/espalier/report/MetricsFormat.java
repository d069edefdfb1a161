package dev.espalier.report;

/** How metrics are written to a file that only grows. */
public interface MetricsFormat {
    /** What the file begins with. */
    byte[] start();

    /** What is added for a record; may be nothing. */
    byte[] bytes(MetricsRecord record);
}
