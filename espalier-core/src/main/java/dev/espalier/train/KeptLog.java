package dev.espalier.train;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.SparseDelta;
import java.util.Map;

/** What a sparse adapter keeps of each matrix, as lines of the metrics. */
final class KeptLog {
    private KeptLog() {}

    /** Writes a line for each sparse module; none if there is no such. */
    static void write(MetricsLog log, int step, Adapter adapter) {
        adapter.deltas().forEach((path, delta) -> {
            if (delta instanceof SparseDelta sparse) {
                log.write("kept", step, Map.of("module", path, "kept", sparse.kept(), "size", sparse.size()));
            }
        });
    }
}
