package dev.espalier.tensor;

import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The products of frozen matrices, where nearly all time goes. In fp32 on a CPU libtorch's own product calls the BLAS
 * it was built with; oneDNN's, where this build has it, was 10 to 30 % faster on encoder shapes. In bf16 libtorch takes
 * oneDNN by itself.
 */
public final class Gemm {
    /** Inner sizes from here on gain more by the faster product than a second pass over the sum costs. */
    private static final int WIDE = 128;

    /** oneDNN's linear, and the constant arguments it wants: no activation after the product. */
    private record OneDnn(NativeOp linear, IValue none, IValue noScalars) {}

    private static final @Nullable OneDnn ONE_DNN = oneDnn();

    private Gemm() {}

    private static @Nullable OneDnn oneDnn() {
        return NativeOp.find("mkldnn::_linear_pointwise", "")
                .map(linear -> {
                    // The type of an empty list of optional scalars is taken from a schema: it has no Java binding.
                    var type = torch.parseSchema("f(Scalar?[] x) -> ()")
                            .arguments()
                            .type()
                            .get()
                            .containedType(0);
                    return new OneDnn(linear, forGood(new IValue()), forGood(new IValue(new GenericList(type))));
                })
                .orElse(null);
    }

    private static IValue forGood(IValue value) {
        value.retainReference();
        return value;
    }

    /**
     * {@code x wᵀ + bias}.
     *
     * @param x {@code [tokens, in]}
     * @param w {@code [out, in]}
     * @param bias {@code [out]}
     * @return {@code [tokens, out]}, owned by the caller's scope
     */
    public static Tensor linear(Tensor x, Tensor w, @Nullable Tensor bias) {
        if (ONE_DNN != null && Engine.dtype(x) == ScalarType.Float) {
            return oneDnn(ONE_DNN, x, w, bias);
        }
        return bias == null ? torch.mm(x, w.t()) : torch.addmm(bias, x, w.t());
    }

    /** {@code a b}: {@code [n, k]} times {@code [k, m]}, owned by the caller's scope. */
    public static Tensor product(Tensor a, Tensor b) {
        if (ONE_DNN != null && Engine.dtype(a) == ScalarType.Float) {
            return oneDnn(ONE_DNN, a, b.t(), null);
        }
        return torch.mm(a, b);
    }

    /** Adds {@code a b} to {@code sum}. */
    public static void addProduct(Tensor sum, Tensor a, Tensor b) {
        if (ONE_DNN != null && Engine.dtype(a) == ScalarType.Float && a.size(1) >= WIDE) {
            sum.add_(product(a, b));
        } else {
            sum.addmm_(a, b);
        }
    }

    private static Tensor oneDnn(OneDnn oneDnn, Tensor x, Tensor w, @Nullable Tensor bias) {
        try (var scope = Scope.open()) {
            var result =
                    oneDnn.linear.call(x, w, bias == null ? oneDnn.none : bias, "none", oneDnn.noScalars, oneDnn.none);
            return scope.keep(new Tensor(result.get(0).toTensor()));
        }
    }
}
