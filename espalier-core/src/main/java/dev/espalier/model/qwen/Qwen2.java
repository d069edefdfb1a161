package dev.espalier.model.qwen;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/** Qwen2 and Qwen2.5 (arXiv 2407.10671, 2412.15115): Llama with biases on queries, keys and values. */
public final class Qwen2 implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen2");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        return windowed(config).biases(true, false, false).build();
    }

    /** A window slides in the layers from {@code max_window_layers} on, if {@code use_sliding_window} says so. */
    static DecoderConfigBuilder windowed(ConfigReader config) {
        boolean slides = config.flag("use_sliding_window", false);
        int first = config.integer("max_window_layers").orElse(Integer.MAX_VALUE);
        return DecoderConfigBuilder.llama(config)
                .windows(slides ? config.integer("sliding_window").orElse(0) : 0, layer -> layer >= first);
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA;
    }
}
