package dev.espalier.tensor;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** First values of new weights, fp32; the same for the same stream on every machine. */
public final class Initialiser {
    private Initialiser() {}

    /** A number of a distribution. */
    private interface Draw {
        double next(RandomGenerator random);
    }

    /** Normal with mean 0 and the given standard deviation. */
    public static Tensor normal(double std, RandomStream stream, long... shape) {
        return fill(random -> std * random.nextGaussian(), stream, shape);
    }

    /**
     * Kaiming-uniform with {@code a = √5}, the default of PyTorch's linear and of LoRA's A: uniform in
     * {@code ±1 / √fanIn}.
     *
     * @param fanIn inputs of one output
     */
    public static Tensor kaimingUniform(long fanIn, RandomStream stream, long... shape) {
        double bound = 1 / Math.sqrt(fanIn);
        return fill(random -> bound * (2 * random.nextDouble() - 1), stream, shape);
    }

    /** Zeros. */
    public static Tensor zeros(long... shape) {
        try (var scope = Scope.open()) {
            return scope.keep(torch.zeros(shape, Engine.options(ScalarType.Float)));
        }
    }

    /** Ones. */
    public static Tensor ones(long... shape) {
        return constant(1, shape);
    }

    /** The same number everywhere. */
    public static Tensor constant(double value, long... shape) {
        try (var scope = Scope.open()) {
            return scope.keep(torch.full(shape, new Scalar(value), Engine.options(ScalarType.Float)));
        }
    }

    private static Tensor fill(Draw draw, RandomStream stream, long[] shape) {
        try (var scope = Scope.open()) {
            var tensor = torch.empty(shape, Engine.options(ScalarType.Float), null);
            var values = new float[Math.toIntExact(tensor.numel())];
            var random = new SplittableRandom(stream.seed());
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) draw.next(random);
            }
            new FloatPointer(tensor.data_ptr()).put(values);
            return scope.keep(tensor);
        }
    }
}
