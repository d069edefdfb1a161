package dev.espalier.adapter;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import tools.jackson.core.type.TypeReference;

/** What PEFT 0.20 writes of a method's config where nothing else is set: resources {@code peft-METHOD-defaults.json}. */
final class PeftDefaults {
    private PeftDefaults() {}

    static Map<String, Object> of(String method) {
        var name = "peft-" + method + "-defaults.json";
        try (var resource = Objects.requireNonNull(PeftDefaults.class.getResourceAsStream(name), name)) {
            return Json.mapper().readValue(resource.readAllBytes(), new TypeReference<Map<String, Object>>() {});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
