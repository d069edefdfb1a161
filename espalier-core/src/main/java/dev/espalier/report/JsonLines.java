package dev.espalier.report;

import dev.espalier.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code metrics.jsonl}: an object a line, {@code kind} and {@code step} first. {@link RunHistory} reads it. */
public final class JsonLines implements MetricsFormat {
    @Override
    public byte[] start() {
        return new byte[0];
    }

    @Override
    public byte[] bytes(MetricsRecord record) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", record.kind());
        line.put("step", record.step());
        line.putAll(record.values());
        return (Json.mapper().writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
