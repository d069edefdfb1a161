package dev.espalier.text;

import dev.espalier.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The special tokens that a model folder names, in {@code tokenizer_config.json} or else in
 * {@code special_tokens_map.json}.
 *
 * @param tokens the token by its role, such as {@code bos_token}
 */
record SpecialTokens(Map<String, String> tokens) {
    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    static SpecialTokens open(Path folder) {
        var tokens = new LinkedHashMap<String, String>();
        for (var name : List.of("tokenizer_config.json", "special_tokens_map.json")) {
            var file = folder.resolve(name);
            if (Files.exists(file)) {
                var settings = Json.read(file);
                ROLES.forEach(role -> text(settings.path(role)).ifPresent(text -> tokens.putIfAbsent(role, text)));
            }
        }
        return new SpecialTokens(Map.copyOf(tokens));
    }

    Optional<String> token(String role) {
        return Optional.ofNullable(tokens.get(role));
    }

    private static Optional<String> text(JsonNode token) {
        var text = token.isObject() ? token.path("content") : token;
        return text.isString() ? Optional.of(text.asString()) : Optional.empty();
    }
}
