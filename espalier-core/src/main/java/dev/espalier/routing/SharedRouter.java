package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * One router for several modules of a pass, such as those of a layer: it reads the input of the module that comes first,
 * and the others get the same gates. The first one's backward pass is the last to run, and runs the router's.
 */
public final class SharedRouter implements Router {
    private final Router router;

    /** @param router whose input is the first module's */
    public SharedRouter(Router router) {
        this.router = router;
    }

    /** The gates of one pass, and the sum of the gradients that its modules give. */
    private record Shared(
            Gate gate, Tensor weights, @Nullable Variable sum) {}

    @Override
    public List<Parameter> parameters() {
        return router.parameters();
    }

    @Override
    public int gates() {
        return router.gates();
    }

    @Override
    public Gate route(Variable x, ForwardContext context) {
        boolean first = !context.remembers(this);
        var shared = context.remembered(this, Shared.class, () -> share(x, context));
        if (shared.sum == null) {
            return new Gate(shared.weights, null);
        }
        var sum = shared.sum;
        return new Gate(shared.weights, dWeights -> {
            sum.accumulate(dWeights);
            var total = sum.gradient();
            if (first && total != null) {
                shared.gate.run(total);
            }
        });
    }

    private Shared share(Variable x, ForwardContext context) {
        var gates = new Gate[1];
        // Kept by the pass: the module that comes first frees what it made.
        var weights = context.shared(List.of(this, context), () -> {
            gates[0] = router.route(x, context);
            return gates[0].weights();
        });
        var gate = gates[0];
        return new Shared(
                gate, weights, gate.backward() == null ? null : context.tape().input(weights));
    }

    /** The router of one module that is given only one of the gates, for its one expert. */
    public Router column(int column) {
        return columns(column, 1);
    }

    /** The router of a module that is given {@code count} of the gates, for as many experts. */
    public Router columns(int from, int count) {
        return new Columns(this, from, count);
    }

    private record Columns(SharedRouter shared, int from, int count) implements Router {
        @Override
        public List<Parameter> parameters() {
            return shared.parameters();
        }

        @Override
        public int gates() {
            return 1;
        }

        @Override
        public Gate route(Variable x, ForwardContext context) {
            var gate = shared.route(x, context);
            var weights = gate.weights().narrow(1, from, count).contiguous();
            if (gate.backward() == null) {
                return new Gate(weights, null);
            }
            var shape = gate.weights().shape();
            return new Gate(weights, dWeights -> {
                var all = torch.zeros(shape, dWeights.options());
                all.narrow(1, from, count).copy_(dWeights);
                gate.run(all);
            });
        }
    }
}
