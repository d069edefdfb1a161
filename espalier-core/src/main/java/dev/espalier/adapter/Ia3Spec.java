package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * IA3 (Liu et al., <a href="https://arxiv.org/abs/2205.05638">arXiv 2205.05638</a>): one trained factor, 1 at first, for
 * each output of the linears that make keys and values, {@code y = l ⊙ (W x + b)}, and for each input of the second
 * linear of the MLP, {@code y = W (l ⊙ x) + b}, as PEFT has it.
 *
 * @param feedForward of the targets, those whose input is scaled; a name in a list is the end of a path, which need not
 *     follow a dot, as in PEFT
 * @param modulesToSave ends of the paths of modules that train as a whole
 */
public record Ia3Spec(TargetModules targets, ModuleNames feedForward, List<String> modulesToSave)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "ia3";

    /** The second linear of the MLP in every family; BERT's name is that of attention's output too, as PEFT takes it. */
    private static final String SECOND = "down_proj|output\\.dense|mlp\\.c_proj";

    public Ia3Spec {
        modulesToSave = List.copyOf(modulesToSave);
    }

    /** Keys, values and the MLP of any family, fused ones as a whole. */
    public static Ia3Spec defaults() {
        return new Ia3Spec(
                TargetModules.matching(".*\\.(k_proj|v_proj|key|value|qkv_proj|c_attn|" + SECOND + ")"),
                ModuleNames.matching(".*\\.(" + SECOND + ")"),
                List.of());
    }

    public Ia3Spec withTargets(TargetModules targets, ModuleNames feedForward) {
        return new Ia3Spec(targets, feedForward, modulesToSave);
    }

    @Override
    public Ia3Spec withModulesToSave(List<String> modulesToSave) {
        return new Ia3Spec(targets, feedForward, modulesToSave);
    }

    @Override
    public String method() {
        return METHOD;
    }

    /** Whether the input of the linear at {@code path} is scaled, not its output. */
    public boolean isFeedForward(String path) {
        return feedForward.regex().isPresent()
                ? feedForward.matches(path)
                : feedForward.names().stream().anyMatch(path::endsWith);
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        boolean input = isFeedForward(linear.name());
        long[] shape = input ? new long[] {1, linear.inFeatures()} : new long[] {linear.outFeatures(), 1};
        var scale = weights.weight(
                "ia3_l", StoredLayout.same(shape), random -> torch.ones(shape, Engine.options(ScalarType.Float)));
        return input ? new InputScaleDelta(scale) : new OutputScaleDelta(scale);
    }
}
