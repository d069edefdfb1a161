package dev.espalier.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.espalier.checkpoint.EspalierHome;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes the native tokenizer with DJL kept quiet: no telemetry, no download of its CUDA build (the CPU build comes out
 * of its own jar), and its library unpacked beside our other files.
 */
final class Native {
    private Native() {}

    /** DJL takes these as system properties. They are put back, for the application may use DJL for other things. */
    static synchronized HuggingFaceTokenizer tokenizer(String json, Map<String, String> options) {
        var settings = new HashMap<String, String>();
        settings.put("ai.djl.offline", "true");
        if (System.getProperty("DJL_CACHE_DIR") == null && System.getProperty("ENGINE_CACHE_DIR") == null) {
            settings.put(
                    "ENGINE_CACHE_DIR",
                    EspalierHome.directory().resolve("natives").toString());
        }
        var before = new HashMap<String, String>();
        settings.keySet().forEach(key -> before.put(key, System.getProperty(key, "")));
        settings.forEach(System::setProperty);
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            before.forEach((key, value) -> {
                if (value.isEmpty()) {
                    System.clearProperty(key);
                } else {
                    System.setProperty(key, value);
                }
            });
        }
    }
}
