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

    /** Products of up to so many multiply-adds take less than the 50 microseconds that a call of oneDNN costs. */
    private static final long SMALL = 1 << 19;

    /** Matrices of so many bytes, and products of so many multiply-adds, are worth waiting for other threads. */
    private static final long SHARED_BYTES = 4 << 20;

    private static final long SHARED_WORK = 1 << 25;

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
        boolean large = w.numel() * w.element_size() >= SHARED_BYTES || x.size(0) * w.numel() >= SHARED_WORK;
        return large ? Engine.together(() -> linearHere(x, w, bias)) : linearHere(x, w, bias);
    }

    private static Tensor linearHere(Tensor x, Tensor w, @Nullable Tensor bias) {
        var oneDnn = oneDnnFor(x, w);
        if (oneDnn != null) {
            return call(oneDnn, x, w, bias);
        }
        return bias == null ? torch.mm(x, w.t()) : torch.addmm(bias, x, w.t());
    }

    /** {@code a b}: {@code [n, k]} times {@code [k, m]}, owned by the caller's scope. */
    public static Tensor product(Tensor a, Tensor b) {
        var oneDnn = oneDnnFor(a, b);
        return oneDnn == null ? torch.mm(a, b) : call(oneDnn, a, b.t(), null);
    }

    /** Adds {@code a b} to {@code sum}. */
    public static void addProduct(Tensor sum, Tensor a, Tensor b) {
        if (a.size(1) >= WIDE && oneDnnFor(a, b) != null) {
            sum.add_(product(a, b));
        } else {
            sum.addmm_(a, b);
        }
    }

    /** What takes the product of {@code [n, k]} and a matrix of {@code k * m} numbers; null for libtorch's own. */
    private static @Nullable OneDnn oneDnnFor(Tensor a, Tensor matrix) {
        return Engine.dtype(a) == ScalarType.Float && a.size(0) * matrix.numel() > SMALL ? ONE_DNN : null;
    }

    private static Tensor call(OneDnn oneDnn, Tensor x, Tensor w, @Nullable Tensor bias) {
        try (var scope = Scope.open()) {
            var result =
                    oneDnn.linear.call(x, w, bias == null ? oneDnn.none : bias, "none", oneDnn.noScalars, oneDnn.none);
            return scope.keep(new Tensor(result.get(0).toTensor()));
        }
    }
}
