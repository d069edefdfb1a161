package dev.espalier.train;

import dev.espalier.model.Weights;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells, in a line each, which weights of a checkpoint a model leaves aside and which ones it had to make. */
final class WeightsLog {
    private static final Logger LOG = LoggerFactory.getLogger(WeightsLog.class);
    private static final int MOST_NAMED = 5;

    /** What transformers saved beside the weights at some time: positions, causal masks, rotary frequencies. */
    private static final Pattern BUFFER = Pattern.compile(
            "(.*\\.)?(position_ids|token_type_ids|rotary_emb\\.inv_freq|attn\\.bias|attn\\.masked_bias)");

    private WeightsLog() {}

    /** Weights that nothing asked for, known buffers at debug level; to be called once all heads are there. */
    static void unused(Weights weights) {
        var byKind = weights.unused().stream()
                .collect(Collectors.partitioningBy(name -> BUFFER.matcher(name).matches()));
        log(
                byKind.getOrDefault(true, List.of()),
                names -> LOG.debug("Buffers in {} are not needed: {}.", weights, names));
        log(
                byKind.getOrDefault(false, List.of()),
                names -> LOG.info("Weights in {} are not used (another task's head?): {}.", weights, names));
    }

    /** Weights that training starts from random ones. */
    static void initialised(Weights weights) {
        log(
                weights.initialised(),
                names -> LOG.warn(
                        "{} has no weights of the right shape for these, so they start new: {}.", weights, names));
    }

    private static void log(Collection<String> names, Consumer<String> line) {
        if (!names.isEmpty()) {
            var named = names.stream().limit(MOST_NAMED).collect(Collectors.joining(", "));
            line.accept(names.size() > MOST_NAMED ? named + " and " + (names.size() - MOST_NAMED) + " more" : named);
        }
    }
}
