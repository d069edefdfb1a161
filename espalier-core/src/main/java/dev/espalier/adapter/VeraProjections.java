package dev.espalier.adapter;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * VeRA's frozen projections, drawn as PEFT draws them: Kaiming-uniform with gain {@code √2}, {@code A} then {@code B}
 * from one generator of PyTorch, so that a seed means the same numbers there and here.
 */
final class VeraProjections {
    private final long seed;
    private final long rank;
    private final long in;
    private final long out;

    /**
     * @param in inputs of the widest module
     * @param out outputs of the widest module
     */
    VeraProjections(long seed, long rank, long in, long out) {
        this.seed = seed;
        this.rank = rank;
        this.in = in;
        this.out = out;
    }

    /** {@code [rank, in]}, of the caller's scope. */
    Tensor a() {
        try (var scope = Scope.open()) {
            return scope.keep(uniform(torch.make_generator_cpu(seed), rank, in));
        }
    }

    /** {@code [out, rank]}, of the caller's scope. */
    Tensor b() {
        try (var scope = Scope.open()) {
            var generator = torch.make_generator_cpu(seed);
            uniform(generator, rank, in);
            return scope.keep(uniform(generator, out, rank));
        }
    }

    private static Tensor uniform(Generator generator, long rows, long columns) {
        double bound = Math.sqrt(3) * Math.sqrt(2.0 / columns);
        var values = torch.empty(new long[] {rows, columns}, Engine.options(ScalarType.Float), null);
        values.uniform_(-bound, bound, new GeneratorOptional(generator));
        return values;
    }
}
