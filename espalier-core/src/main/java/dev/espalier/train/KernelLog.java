package dev.espalier.train;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.RankGatedDelta;
import dev.espalier.data.Batch;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The metrics' line about the kernels of a mixture. The choice depends on the shape of a pass alone, so the first pass of
 * a run is told of: its tokens, its threads, and the kernel of every module that has a choice.
 */
final class KernelLog {
    private KernelLog() {}

    /**
     * @param part what one worker gets of the first batch
     * @param threads that it has for that
     */
    static void write(MetricsLog log, Adapter adapter, ScalarType dtype, Batch part, int threads) {
        int tokens = part.layout().rows() * part.layout().tokens();
        Map<String, String> kernels = new LinkedHashMap<>();
        adapter.deltas().forEach((path, delta) -> {
            if (delta instanceof RankGatedDelta mixture) {
                mixture.kernel(tokens, dtype, threads).ifPresent(kernel -> kernels.put(path, kernel.key()));
            }
        });
        if (!kernels.isEmpty()) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("tokens", tokens);
            line.put("threads", threads);
            line.put("kernels", kernels);
            log.write("kernels", 0, line);
        }
    }
}
