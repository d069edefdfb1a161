package dev.espalier.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Makes the native tokenizer without its library's telemetry and downloads. */
final class Native {
    /** DJL's switch: no telemetry, and the CPU build from its own jar, never a download of the CUDA build. */
    private static final String OFFLINE = "ai.djl.offline";

    private static final Map<String, String> PLAIN = Map.of("padding", "false", "truncation", "false");

    private Native() {}

    /** The switch is put back, for an application that uses DJL for other things may want its downloads. */
    static synchronized HuggingFaceTokenizer tokenizer(String json) {
        var before = System.getProperty(OFFLINE);
        System.setProperty(OFFLINE, "true");
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), PLAIN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (before == null) {
                System.clearProperty(OFFLINE);
            } else {
                System.setProperty(OFFLINE, before);
            }
        }
    }
}
