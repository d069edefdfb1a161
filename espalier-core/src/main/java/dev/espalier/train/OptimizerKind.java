package dev.espalier.train;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.optim.Adafactor;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.Optimizer;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** The optimizers a run can choose from. */
public enum OptimizerKind {
    /** PyTorch's AdamW with its default betas and epsilon. */
    @JsonProperty("adamw")
    ADAMW,

    /** Adafactor with an absolute learning rate, as SiRA was trained. */
    @JsonProperty("adafactor")
    ADAFACTOR;

    /**
     * An optimizer of this kind over {@code parameters}, all with the same weight decay.
     *
     * @param learningRateFactors of parameters with another learning rate than the rest, by name
     */
    Optimizer create(List<Parameter> parameters, Map<String, Double> learningRateFactors, double weightDecay) {
        Map<Double, Map<String, Tensor>> byFactor = new LinkedHashMap<>();
        parameters.forEach(parameter -> byFactor.computeIfAbsent(
                        learningRateFactors.getOrDefault(parameter.name(), 1.0), f -> new LinkedHashMap<>())
                .put(parameter.name(), parameter.value()));
        var groups = byFactor.entrySet().stream()
                .map(group -> new ParameterGroup(group.getValue(), group.getKey(), weightDecay))
                .toList();
        return switch (this) {
            case ADAMW -> new AdamW(groups, AdamW.Options.DEFAULT);
            case ADAFACTOR -> new Adafactor(groups, Adafactor.Options.DEFAULT);
        };
    }
}
