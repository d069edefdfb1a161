package dev.espalier.kernel;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import org.bytedeco.pytorch.Tensor;

/** The kernels there are. */
public enum Kernel {
    /** One product of all experts for every token, masked by the gates. */
    DENSE(new DenseKernel()),

    /** Each expert with the tokens that chose it. */
    GATHERED(new GatheredKernel());

    private final transient ExpertKernel products;

    Kernel(ExpertKernel products) {
        this.products = products;
    }

    /** The name in tables and run folders. */
    @JsonValue
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Adds {@code s B (D ⊙ A x)} to {@code y}, {@code [tokens, out]}. */
    public ExpertKernel.Pass forward(Experts experts, ExpertInput input, Tensor y) {
        return products.forward(experts, input, y);
    }
}
