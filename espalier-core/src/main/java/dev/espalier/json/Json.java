package dev.espalier.json;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** JSON files have snake_case keys; recipes are YAML with kebab-case keys and reject keys they do not know. */
public final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();
    private static final YAMLMapper RECIPES = YAMLMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Json() {}

    /** For JSON that others write too: unknown keys are passed over. */
    public static JsonMapper mapper() {
        return MAPPER;
    }

    /** For recipes: YAML, kebab-case, strict. */
    public static YAMLMapper recipes() {
        return RECIPES;
    }

    /** Reads a JSON file as a tree. */
    public static JsonNode read(Path file) {
        return read(MAPPER, file, JsonNode.class);
    }

    /** Reads a file into {@code type}; what is wrong with it is said with file, line and column. */
    public static <T> T read(ObjectMapper mapper, Path file, Class<T> type) {
        String text;
        try {
            text = Files.readString(file, StandardCharsets.UTF_8);
        } catch (java.nio.file.NoSuchFileException e) {
            throw new InputException("No such file: " + file + ".", e);
        } catch (java.nio.charset.CharacterCodingException e) {
            throw new InputException(file + " is not UTF-8 text.", e);
        } catch (IOException e) {
            throw new InputException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
        try {
            return mapper.readValue(text, type);
        } catch (JacksonException e) {
            throw explain(e, file.toString());
        }
    }

    /** One sentence for what the mapper found wrong; an unknown key names the nearest known one. */
    public static InputException explain(JacksonException e, String where) {
        var at = e.getLocation() == null
                ? where
                : where + ":" + e.getLocation().getLineNr() + ":"
                        + e.getLocation().getColumnNr();
        if (e instanceof UnrecognizedPropertyException unknown) {
            List<String> known = new ArrayList<>();
            unknown.getKnownPropertyIds().forEach(id -> known.add(String.valueOf(id)));
            var near = Nearest.near(unknown.getPropertyName(), known);
            return new InputException(
                    at + ": unknown key '" + path(e) + "'."
                            + near.map(key -> " Did you mean '" + key + "'?").orElse(""),
                    e);
        }
        var path = path(e);
        return new InputException(
                at + (path.isEmpty() ? "" : ", key '" + path + "'") + ": " + firstLine(e.getOriginalMessage()), e);
    }

    /** Pretty JSON with snake_case keys and a newline at the end. */
    public static String pretty(Object value) {
        return MAPPER.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value) + "\n";
    }

    private static String path(JacksonException e) {
        var path = new StringBuilder();
        for (var step : e.getPath()) {
            if (step.getPropertyName() == null) {
                path.append('[').append(step.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
            }
        }
        return path.toString();
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("not readable").replaceFirst(" \\(start marker at .*", "");
    }
}
