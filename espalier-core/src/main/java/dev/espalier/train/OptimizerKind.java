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

    /** An optimizer of this kind over {@code parameters}, all with the same weight decay. */
    Optimizer create(List<Parameter> parameters, double weightDecay) {
        Map<String, Tensor> byName = new LinkedHashMap<>();
        parameters.forEach(parameter -> byName.put(parameter.name(), parameter.value()));
        var groups = List.of(ParameterGroup.of(byName, weightDecay));
        return switch (this) {
            case ADAMW -> new AdamW(groups, AdamW.Options.DEFAULT);
            case ADAFACTOR -> new Adafactor(groups, Adafactor.Options.DEFAULT);
        };
    }
}
