package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.dataformat.yaml.YAMLParser;

/** Reads YAML into nodes that know where they stand. */
final class YamlReader {
    private final YAMLParser parser;
    private final BiFunction<Integer, Integer, String> place;

    private YamlReader(YAMLParser parser, BiFunction<Integer, Integer, String> place) {
        this.parser = parser;
        this.place = place;
    }

    /** The text of a file; positions are {@code file:line:column}. */
    static YamlNode readFile(String text, String file) {
        return read(text, file, (line, column) -> file + ":" + line + ":" + column);
    }

    /** The value of an override; every position is that override. */
    static YamlNode readValue(String text, String override) {
        return read(text, override, (line, column) -> override);
    }

    private static YamlNode read(String text, String source, BiFunction<Integer, Integer, String> place) {
        try (var parser = (YAMLParser) Json.recipes().createParser(text)) {
            if (parser.nextToken() == null) {
                return new YamlNode.Scalar(null, source);
            }
            var node = new YamlReader(parser, place).node();
            if (parser.nextToken() != null) {
                throw new InputException(source + ": there is more than one YAML document; keep the first.");
            }
            return node;
        } catch (JacksonException e) {
            throw explain(e, source, place);
        }
    }

    private YamlNode node() {
        var at = here();
        if (parser.isCurrentAlias()) {
            throw new InputException(
                    at + ": recipes know no aliases; write the value out instead of *" + parser.getString() + ".");
        }
        return switch (parser.currentToken()) {
            case START_OBJECT -> new YamlNode.Mapping(entries(), at);
            case START_ARRAY -> new YamlNode.Sequence(items(), at);
            case VALUE_NULL -> new YamlNode.Scalar(null, at);
            default -> new YamlNode.Scalar(parser.getString(), at);
        };
    }

    private Map<String, YamlNode.Entry> entries() {
        Map<String, YamlNode.Entry> entries = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var key = parser.currentName();
            var keyAt = here();
            parser.nextToken();
            if (entries.put(key, new YamlNode.Entry(keyAt, node())) != null) {
                throw new InputException(keyAt + ": the key '" + key + "' is there twice; keep one of them.");
            }
        }
        return entries;
    }

    private List<YamlNode> items() {
        List<YamlNode> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(node());
        }
        return items;
    }

    private String here() {
        var at = parser.currentTokenLocation();
        return place.apply(at.getLineNr(), at.getColumnNr());
    }

    private static InputException explain(
            JacksonException e, String source, BiFunction<Integer, Integer, String> place) {
        if (e.getCause() instanceof MarkedYamlEngineException marked
                && marked.getProblemMark().isPresent()) {
            var mark = marked.getProblemMark().get();
            var at = place.apply(mark.getLine() + 1, mark.getColumn() + 1);
            return new InputException(at + ": this is not YAML: " + marked.getProblem() + ".", e);
        }
        return new InputException(source + ": this is not YAML: " + e.getOriginalMessage() + ".", e);
    }
}
