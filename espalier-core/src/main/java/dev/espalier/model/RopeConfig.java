package dev.espalier.model;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * Reads rotary embeddings from a config: {@code rope_parameters} as new ones have it, or {@code rope_theta} and
 * {@code rope_scaling} as most published ones do.
 */
final class RopeConfig {
    private static final String KNOWN = "default, linear, dynamic, llama3, yarn, longrope";
    private final ConfigReader config;
    private final int headDim;

    RopeConfig(ConfigReader config, int headDim) {
        this.config = config;
        this.headDim = headDim;
    }

    /** The one rotary embedding of all layers. */
    Rope read() {
        var parameters = config.node("rope_parameters");
        return parameters.isObject() ? read(parameters) : read(config.node("rope_scaling"));
    }

    /**
     * The rotary embedding of the layers of one type.
     *
     * @param layerType a key of {@code rope_parameters} where that is given by layer type
     * @param thetaKey the key of the base, and whether {@code rope_scaling} applies, where it is not
     */
    Rope read(String layerType, String thetaKey, double theta, boolean scaled) {
        var parameters = config.node("rope_parameters").path(layerType);
        if (parameters.isObject()) {
            return read(parameters);
        }
        double base = config.number(thetaKey).orElse(theta);
        return rope(scaled ? config.node("rope_scaling") : MissingNode.getInstance(), base);
    }

    private Rope read(JsonNode parameters) {
        double theta = Optional.of(parameters.path("rope_theta"))
                .filter(JsonNode::isNumber)
                .map(JsonNode::asDouble)
                .orElseGet(() -> config.number("rope_theta").orElse(10000.0));
        return rope(parameters, theta);
    }

    private Rope rope(JsonNode parameters, double theta) {
        double part = number(parameters, "partial_rotary_factor")
                .orElseGet(() -> config.number("partial_rotary_factor").orElse(1.0));
        int dimensions = (int) (headDim * part);
        return new Rope(theta, dimensions, scaling(parameters, dimensions));
    }

    private Rope.Scaling scaling(JsonNode parameters, int dimensions) {
        var type = parameters.path("rope_type").asString(parameters.path("type").asString("default"));
        int positions = config.size("max_position_embeddings");
        return switch (type) {
            case "default" -> new Rope.Unscaled();
            case "linear" -> new Rope.Linear(require(parameters, "factor"));
            case "dynamic" -> new Rope.Dynamic(require(parameters, "factor"), positions);
            case "llama3" ->
                new Rope.Llama3(
                        require(parameters, "factor"),
                        require(parameters, "low_freq_factor"),
                        require(parameters, "high_freq_factor"),
                        (int) require(parameters, "original_max_position_embeddings"));
            case "yarn" -> yarn(parameters, positions);
            // "su" is what the first Phi-3 configs call it.
            case "longrope", "su" -> longRope(parameters, positions, dimensions);
            default ->
                throw new InputException(
                        config.source() + ": rope_type '" + type + "' is not supported; supported are " + KNOWN + ".");
        };
    }

    private Rope.Scaling yarn(JsonNode parameters, int positions) {
        double factor = require(parameters, "factor");
        double attention = number(parameters, "attention_factor").orElseGet(() -> {
            var mscale = number(parameters, "mscale");
            var all = number(parameters, "mscale_all_dim");
            return mscale.isPresent() && all.isPresent() && mscale.get() != 0 && all.get() != 0
                    ? mscale(factor, mscale.get()) / mscale(factor, all.get())
                    : mscale(factor, 1);
        });
        return new Rope.Yarn(
                factor,
                number(parameters, "original_max_position_embeddings")
                        .orElse((double) positions)
                        .intValue(),
                number(parameters, "beta_fast").orElse(32.0),
                number(parameters, "beta_slow").orElse(1.0),
                attention,
                parameters.path("truncate").asBoolean(true));
    }

    private static double mscale(double factor, double m) {
        return factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1;
    }

    private Rope.Scaling longRope(JsonNode parameters, int positions, int dimensions) {
        int original = config.number("original_max_position_embeddings")
                .or(() -> number(parameters, "original_max_position_embeddings"))
                .orElse((double) positions)
                .intValue();
        double factor = original < positions
                ? (double) positions / original
                : number(parameters, "factor").orElse(1.0);
        double attention = number(parameters, "attention_factor")
                .orElse(factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
        return new Rope.LongRope(
                factors(parameters, "short_factor", dimensions / 2),
                factors(parameters, "long_factor", dimensions / 2),
                original,
                attention);
    }

    private List<Double> factors(JsonNode parameters, String key, int count) {
        var factors = new ArrayList<Double>();
        parameters.path(key).forEach(factor -> factors.add(factor.asDouble()));
        if (factors.size() != count) {
            throw new InputException(config.source() + ": rope key '" + key + "' must list " + count
                    + " numbers, one for each pair of features, not " + factors.size() + ".");
        }
        return factors;
    }

    private double require(JsonNode parameters, String key) {
        return number(parameters, key)
                .orElseThrow(() -> new InputException(
                        config.source() + ": the rope scaling " + parameters + " has no number '" + key + "'."));
    }

    private static Optional<Double> number(JsonNode parameters, String key) {
        var node = parameters.path(key);
        return node.isNumber() ? Optional.of(node.asDouble()) : Optional.empty();
    }
}
