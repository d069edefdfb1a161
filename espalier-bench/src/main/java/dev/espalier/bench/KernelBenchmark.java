package dev.espalier.bench;

import dev.espalier.adapter.RankGatedDelta;
import dev.espalier.kernel.Kernel;
import dev.espalier.kernel.KernelShape;
import dev.espalier.kernel.KernelTable;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.routing.Activation;
import dev.espalier.routing.ExpertCapacity;
import dev.espalier.routing.ExpertDropout;
import dev.espalier.routing.Gating;
import dev.espalier.routing.LinearScorer;
import dev.espalier.routing.Selection;
import dev.espalier.routing.TokenRouter;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Both kernels of a top-k mixture on one linear, a forward and a backward pass with the router, in turn over a grid of
 * shapes. The fastest pass of each counts: what else runs on the machine only makes passes slower.
 */
public final class KernelBenchmark {
    private static final int[] EXPERTS = {4, 8, 16, 32};
    private static final int[] RANKS = {4, 16, 64};
    private static final int[] ACTIVE = {1, 2, 4, 8};
    private static final int[] WIDTHS = {256, 1024};
    private static final int FEW = 64;
    private static final int MANY = 512;
    private static final int LEAST_PAIRS = 3;
    private static final double SECONDS = 0.03;
    private static final double WARM_UP_SECONDS = 2;

    private KernelBenchmark() {}

    /** The shapes that are measured: linears are square; several threads get many tokens only. */
    public static List<KernelShape> shapes() {
        var shapes = new ArrayList<KernelShape>();
        for (var dtype : List.of("fp32", "bf16")) {
            shapes.addAll(shapes(dtype, 1, false, FEW));
            shapes.addAll(shapes(dtype, 1, false, MANY));
            shapes.addAll(shapes(dtype, 1, true, MANY));
            if (Engine.threads() > 1) {
                shapes.addAll(shapes(dtype, Engine.threads(), false, MANY));
            }
        }
        return shapes;
    }

    private static List<KernelShape> shapes(String dtype, int threads, boolean sharedA, int tokens) {
        var shapes = new ArrayList<KernelShape>();
        for (int experts : EXPERTS) {
            for (int rank : RANKS) {
                for (int active : ACTIVE) {
                    for (int width : WIDTHS) {
                        if (active < experts) {
                            shapes.add(new KernelShape(
                                    experts,
                                    rank,
                                    active,
                                    sharedA,
                                    tokens,
                                    width,
                                    width,
                                    dtype,
                                    Engine.deviceName(),
                                    threads));
                        }
                    }
                }
            }
        }
        return shapes;
    }

    /**
     * Measures {@code shapes}.
     *
     * @param progress is told after each how many are done
     */
    public static KernelTable run(List<KernelShape> shapes, IntConsumer progress) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < WARM_UP_SECONDS * 1e9) {
            measure(shapes.get(0));
        }
        var rows = new ArrayList<KernelTable.Row>();
        for (var shape : shapes) {
            rows.add(measure(shape));
            progress.accept(rows.size());
        }
        return new KernelTable(rows);
    }

    private static KernelTable.Row measure(KernelShape shape) {
        try (var guard = Engine.enter(shape.threads());
                var scope = Scope.open();
                var mixture = new Mixture(shape)) {
            for (var kernel : Kernel.values()) {
                mixture.seconds(kernel);
            }
            double dense = Double.POSITIVE_INFINITY;
            double gathered = Double.POSITIVE_INFINITY;
            long start = System.nanoTime();
            for (int pair = 0; pair < LEAST_PAIRS || System.nanoTime() - start < SECONDS * 1e9; pair++) {
                dense = Math.min(dense, mixture.seconds(Kernel.DENSE));
                gathered = Math.min(gathered, mixture.seconds(Kernel.GATHERED));
            }
            return new KernelTable.Row(shape, Math.rint(dense * 1e6), Math.rint(gathered * 1e6));
        }
    }

    /** A mixture with random weights, and what it gets. */
    private static final class Mixture implements AutoCloseable {
        private final KernelShape shape;
        private final Linear linear;
        private final RankGatedDelta dense;
        private final RankGatedDelta gathered;
        private final Gradients gradients;
        private final Tensor x;
        private final Tensor dY;

        Mixture(KernelShape shape) {
            this.shape = shape;
            var dtype = Engine.dtype(shape.dtype());
            linear = new Linear("linear", parameter("weight", shape.out(), shape.in()), null);
            var a = parameter("A", (long) (shape.sharedA() ? 1 : shape.experts()) * shape.rank(), shape.in());
            var b = parameter("B", shape.out(), (long) shape.experts() * shape.rank());
            var router = router();
            dense = new RankGatedDelta("linear", a, b, shape.experts(), 1, 0, false, router, any -> Kernel.DENSE);
            gathered = new RankGatedDelta("linear", a, b, shape.experts(), 1, 0, false, router, any -> Kernel.GATHERED);
            gradients = new Gradients(dense.parameters());
            x = random("x", shape.tokens(), shape.in()).to(dtype);
            dY = random("dY", shape.tokens(), shape.out()).to(dtype);
        }

        private TokenRouter router() {
            var gating = new Gating(
                    Activation.SOFTMAX,
                    ExpertDropout.of("linear", 0),
                    new Selection.TopK(shape.active()),
                    true,
                    ExpertCapacity.UNLIMITED,
                    List.of());
            return new TokenRouter(
                    "linear",
                    new LinearScorer(parameter("router", shape.experts(), shape.in())),
                    TokenRouter.Parts.NONE,
                    1,
                    gating);
        }

        /** Of one pass. */
        double seconds(Kernel kernel) {
            var delta = kernel == Kernel.DENSE ? dense : gathered;
            var layout = Layout.rightPadded(shape.tokens(), shape.tokens());
            var training = new ForwardContext.Training(RandomStream.of(1), new long[] {0}, 1);
            try (var pass = Scope.open();
                    var context = ForwardContext.training(Tape.recording(gradients), layout, training)) {
                var input = context.tape().input(x);
                var gradient = dY.clone();
                long start;
                try (var operation = Scope.open()) {
                    var y = torch.zeros(new long[] {shape.tokens(), shape.out()}, x.options());
                    start = System.nanoTime();
                    var backward = Objects.requireNonNull(delta.forward(linear, input, y, context));
                    var output = context.tape().record(operation, y, true, backward::run);
                    context.tape().backward(output, gradient);
                }
                return (System.nanoTime() - start) / 1e9;
            }
        }

        private static Parameter parameter(String name, long... shape) {
            return new Parameter(name, random(name, shape), true);
        }

        private static Tensor random(String name, long... shape) {
            return Initialiser.normal(.1, RandomStream.of(3).at(name), shape);
        }

        @Override
        public void close() {
            gradients.close();
        }
    }
}
