package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/** Reads {@code adapter_config.json}; a value of the wrong kind is named with file and key. A null counts as absent. */
final class ConfigReader {
    private final Path file;
    private final JsonNode config;

    ConfigReader(Path file, JsonNode config) {
        this.file = file;
        this.config = config;
    }

    Path file() {
        return file;
    }

    private Optional<JsonNode> value(String key) {
        return config.hasNonNull(key) ? Optional.of(config.path(key)) : Optional.empty();
    }

    private <T> Optional<T> typed(String key, String kind, Predicate<JsonNode> is, Function<JsonNode, T> convert) {
        return value(key).map(node -> convert(key, node, kind, is, convert));
    }

    private <T> T convert(
            String key, JsonNode node, String kind, Predicate<JsonNode> is, Function<JsonNode, T> convert) {
        if (!is.test(node)) {
            throw new InputException(at(key) + ": expected " + kind + ", found " + node + ".");
        }
        return convert.apply(node);
    }

    int integer(String key, int otherwise) {
        return typed(key, "a whole number", JsonNode::isInt, JsonNode::intValue).orElse(otherwise);
    }

    /** A whole number above 0. */
    int count(String key, int otherwise) {
        int value = integer(key, otherwise);
        Checks.positive(at(key), value);
        return value;
    }

    /** A number above 0. */
    double positive(String key, double otherwise) {
        double value = number(key, otherwise);
        Checks.positive(at(key), value);
        return value;
    }

    /** A number from 0 to below 1. */
    double probability(String key, double otherwise) {
        double value = number(key, otherwise);
        Checks.probability(at(key), value);
        return value;
    }

    private String at(String key) {
        return file + ", key '" + key + "'";
    }

    double number(String key, double otherwise) {
        return number(key).orElse(otherwise);
    }

    Optional<Double> number(String key) {
        return typed(key, "a number", JsonNode::isNumber, JsonNode::asDouble);
    }

    boolean flag(String key, boolean otherwise) {
        return typed(key, "true or false", JsonNode::isBoolean, JsonNode::booleanValue)
                .orElse(otherwise);
    }

    boolean isText(String key) {
        return config.path(key).isString();
    }

    Optional<String> text(String key) {
        return typed(key, "a text", JsonNode::isString, JsonNode::stringValue);
    }

    /** A number for each key of an object, in file order. */
    Map<String, Double> numbers(String key) {
        var numbers = new LinkedHashMap<String, Double>();
        typed(key, "an object", JsonNode::isObject, JsonNode::properties)
                .ifPresent(entries -> entries.forEach(entry -> numbers.put(
                        entry.getKey(),
                        convert(
                                key + "." + entry.getKey(),
                                entry.getValue(),
                                "a number",
                                JsonNode::isNumber,
                                JsonNode::asDouble))));
        return numbers;
    }

    /** A whole number for each key of an object, in file order. */
    Map<String, Integer> integers(String key) {
        var integers = new LinkedHashMap<String, Integer>();
        numbers(key).forEach((name, value) -> {
            if (value != Math.rint(value)) {
                throw new InputException(at(key + "." + name) + ": expected a whole number, found " + value + ".");
            }
            integers.put(name, value.intValue());
        });
        return integers;
    }

    /** Whether the key stands in the file with something in it. */
    boolean has(String key) {
        return value(key).isPresent();
    }

    /** A constant by the name it has in JSON. */
    <E extends Enum<E>> E constant(String key, E otherwise) {
        return text(key).map(name -> constant(key, name, otherwise)).orElse(otherwise);
    }

    /** Constants of the kind that {@code any} is of, by the names they have in JSON. */
    <E extends Enum<E>> List<E> constants(String key, E any) {
        return texts(key).stream().map(name -> constant(key, name, any)).toList();
    }

    private <E extends Enum<E>> E constant(String key, String name, E any) {
        var constants = new LinkedHashMap<String, E>();
        for (var constant : any.getDeclaringClass().getEnumConstants()) {
            constants.put(Json.mapper().convertValue(constant, String.class), constant);
        }
        return Optional.ofNullable(constants.get(name))
                .orElseThrow(() -> new InputException(
                        at(key) + ": '" + name + "' is none of " + String.join(", ", constants.keySet()) + "."));
    }

    /** Lists of true and false by the keys of an object, in file order. */
    Map<String, List<Boolean>> flags(String key) {
        var flags = new LinkedHashMap<String, List<Boolean>>();
        typed(key, "an object", JsonNode::isObject, JsonNode::properties)
                .ifPresent(entries -> entries.forEach(entry -> {
                    var list = new ArrayList<Boolean>();
                    for (var element : entry.getValue().values()) {
                        list.add(convert(
                                key + "." + entry.getKey(),
                                element,
                                "a list of true and false",
                                JsonNode::isBoolean,
                                JsonNode::booleanValue));
                    }
                    flags.put(entry.getKey(), List.copyOf(list));
                }));
        return flags;
    }

    /** The elements of a list, or one value that stands for a list of it. */
    private <T> List<T> list(String key, String kind, Predicate<JsonNode> is, Function<JsonNode, T> convert) {
        var elements = new ArrayList<T>();
        value(key).ifPresent(node -> {
            for (var element : node.isArray() ? node.values() : List.of(node)) {
                elements.add(convert(key, element, kind, is, convert));
            }
        });
        return elements;
    }

    /** The texts of a list, or one that stands for a list of it. */
    List<String> texts(String key) {
        return list(key, "a list of texts", JsonNode::isString, JsonNode::stringValue);
    }

    /** The numbers of a list. */
    List<Double> numberList(String key) {
        return list(key, "a list of numbers", JsonNode::isNumber, JsonNode::asDouble);
    }

    /** Modules by a list of names or an expression. */
    Optional<ModuleNames> modules(String key) {
        return value(key)
                .map(node -> node.isString()
                        ? ModuleNames.matching(node.stringValue())
                        : ModuleNames.of(
                                list(key, "a text or a list of texts", JsonNode::isString, JsonNode::stringValue)));
    }

    /** The keys that say what is adapted; without {@code target_modules} PEFT's default for the model's family. */
    TargetModules targets() {
        boolean all = isText("target_modules") && text("target_modules").equals(Optional.of(TargetModules.ALL_LINEAR));
        return new TargetModules(
                all ? Optional.empty() : modules("target_modules").or(TargetModules.DEFAULT::modules),
                modules("exclude_modules").filter(names -> !names.equals(ModuleNames.of(List.of()))),
                list("layers_to_transform", "whole numbers", JsonNode::isInt, JsonNode::intValue),
                list("layers_pattern", "texts", JsonNode::isString, JsonNode::stringValue));
    }

    /**
     * Refuses a key whose value is set: it asks for arithmetic that is not supported.
     *
     * @throws InputException naming the key
     */
    void refuse(String key) {
        value(key).filter(node -> !isOff(node)).ifPresent(node -> {
            throw new InputException(file + ": '" + key + "' is " + node
                    + ", which changes what the adapter computes and is not supported; merge the adapter with the"
                    + " library that made it, or train one without.");
        });
    }

    /**
     * Refuses biases that train with the adapter.
     *
     * @throws InputException if {@code bias} is not {@code none}
     */
    void requireNoBias() {
        var bias = text("bias").orElse("none");
        if (!bias.equals("none")) {
            throw new InputException(
                    file + ": bias is '" + bias + "', but trained biases are not supported; use 'none'.");
        }
    }

    private static boolean isOff(JsonNode node) {
        return (node.isBoolean() && !node.booleanValue()) || (node.isContainer() && node.isEmpty());
    }
}
