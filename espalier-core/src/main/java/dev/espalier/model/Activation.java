package dev.espalier.model;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Elementwise activations by the names that Hugging Face configs give them. */
public enum Activation {
    /** {@code x Φ(x)} with the error function. */
    GELU("gelu") {
        @Override
        Tensor value(Tensor x) {
            return torch.gelu(x);
        }

        @Override
        Tensor gradient(Tensor dY, Tensor x) {
            return torch.gelu_backward(dY, x);
        }
    },
    /** The approximation of GELU with tanh. */
    GELU_NEW("gelu_new") {
        @Override
        Tensor value(Tensor x) {
            return torch.gelu(x, "tanh");
        }

        @Override
        Tensor gradient(Tensor dY, Tensor x) {
            return torch.gelu_backward(dY, x, "tanh");
        }
    },
    /** {@code x σ(x)}, also called swish. */
    SILU("silu") {
        @Override
        Tensor value(Tensor x) {
            return torch.silu(x);
        }

        @Override
        Tensor gradient(Tensor dY, Tensor x) {
            return torch.silu_backward(dY, x);
        }
    },
    /** {@code max(0, x)}. */
    RELU("relu") {
        @Override
        Tensor value(Tensor x) {
            return torch.relu(x);
        }

        @Override
        Tensor gradient(Tensor dY, Tensor x) {
            return dY.mul(x.gt(new org.bytedeco.pytorch.Scalar(0)));
        }
    },
    /** Hyperbolic tangent. */
    TANH("tanh") {
        @Override
        Tensor value(Tensor x) {
            return torch.tanh(x);
        }

        @Override
        Tensor gradient(Tensor dY, Tensor x) {
            var y = torch.tanh(x);
            return dY.sub(dY.mul(y).mul_(y));
        }
    };

    /** Other names that configs have for the same. */
    private static final Map<String, String> ALIASES =
            Map.of("gelu_pytorch_tanh", "gelu_new", "gelu_python", "gelu", "swish", "silu");

    private final String key;

    Activation(String key) {
        this.key = key;
    }

    abstract Tensor value(Tensor x);

    abstract Tensor gradient(Tensor dY, Tensor x);

    /** The activation that a config calls {@code name}. */
    public static Activation of(String name) {
        var known = Arrays.stream(values()).map(a -> a.key).toList();
        var key = ALIASES.getOrDefault(name, name);
        return Arrays.stream(values())
                .filter(a -> a.key.equals(key))
                .findFirst()
                .orElseThrow(() -> new InputException("Activation '" + name + "' is not supported; known are "
                        + String.join(", ", Nearest.to(name, known, known.size())) + "."));
    }

    /** Applies the activation. */
    public Variable forward(Variable x, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.NORM_AND_ACTIVATION)) {
            var input = tape.save(x.value());
            return tape.record(scope, value(input), x.requiresGrad(), dY -> x.accumulate(gradient(dY, input)));
        }
    }
}
