package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.importance.SelectionScore;
import dev.espalier.kernel.SparseMatrix;
import dev.espalier.model.Linear;
import dev.espalier.optim.Optimizer;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The matrices of a sparse adapter in training: what is seen of them in a pass, and how other entries come to be kept. */
final class SparseMatrices {
    private final Map<String, Matrix> matrices = new LinkedHashMap<>();
    private final Map<Parameter, String> byWeight = new IdentityHashMap<>();

    /** A linear of the model and its sparse change. */
    record Matrix(String path, Linear linear, SparseDelta delta) {
        List<Integer> shape() {
            return linear.shape();
        }

        /** The change of all entries, {@code [out, in]}, fp32: that of the whole matrix, or of the kept entries alone. */
        Tensor change() {
            return delta.whole().map(Parameter::value).orElseGet(() -> {
                var change = Initialiser.zeros(linear.outFeatures(), linear.inFeatures());
                delta.sparse().addTo(change);
                return change;
            });
        }
    }

    /** What is told of the gradient of a matrix. */
    interface Observer {
        /** @param gradient of the whole weight, {@code [out, in]}, fp32, contiguous; freed after the call */
        void see(Matrix matrix, Tensor gradient);
    }

    SparseMatrices(Adapter adapter) {
        adapter.deltas().forEach((path, delta) -> {
            var matrix = new Matrix(path, ((SparseDelta) delta).linear(), (SparseDelta) delta);
            matrices.put(path, matrix);
            byWeight.put(matrix.linear().weight(), path);
        });
    }

    Iterable<Matrix> all() {
        return matrices.values();
    }

    Matrix get(String path) {
        return Objects.requireNonNull(matrices.get(path), path);
    }

    /** Shapes {@code [out, in]} by path. */
    Map<String, List<Integer>> shapes() {
        var shapes = new LinkedHashMap<String, List<Integer>>();
        matrices.forEach((path, matrix) -> shapes.put(path, matrix.shape()));
        return shapes;
    }

    /** Lets whole changes act in training passes, or the kept entries. */
    void actWhole(boolean on) {
        matrices.values().forEach(matrix -> matrix.delta().actsWhole(on));
    }

    /** Lets backward deliver the gradients of the whole weights, frozen as they are. */
    void watchWeights(boolean on) {
        byWeight.keySet().forEach(weight -> weight.trainable(on));
    }

    /** Gives the gradients of the whole weights to {@code observer}. */
    GradientSink sink(Observer observer) {
        return (parameter, gradient) -> {
            var path = byWeight.get(parameter);
            if (path != null) {
                var matrix = get(path);
                try (var scope = Scope.open()) {
                    var stored = matrix.linear().isStoredTransposed() ? gradient.t() : gradient;
                    observer.see(matrix, stored.to(ScalarType.Float).contiguous());
                }
            }
        };
    }

    /**
     * Shows {@code observer} the gradient of each whole weight in a pass that updates nothing, one at a time.
     *
     * @param pass see {@link BudgetSchedule#beforeStep}
     * @throws InputException if a weight is used several times in a pass, so that its gradient comes in parts
     */
    void look(Consumer<GradientSink> pass, Observer observer) {
        Set<String> seen = new HashSet<>();
        watchWeights(true);
        try {
            pass.accept(sink((matrix, gradient) -> {
                if (!seen.add(matrix.path())) {
                    throw new InputException(
                            matrix.path() + " is used several times in a pass, so what a sparse adapter"
                                    + " keeps of it can't be chosen by its gradient; leave it out of target-modules.");
                }
                observer.see(matrix, gradient);
            }));
        } finally {
            watchWeights(false);
        }
    }

    /** The scores of all entries of a matrix. */
    static Tensor scores(SelectionScore score, Matrix matrix, Optional<Tensor> gradient, RandomStream random) {
        return score.of(new SelectionScore.Entries(
                matrix.linear().matrix(), matrix.change(), gradient, random.at(matrix.path())));
    }

    /**
     * Lets a matrix keep other units. Moments of those that were kept before go on, those of others begin anew.
     *
     * @param chosen in ascending order, int32 {@code [n]}
     * @param values of the chosen units
     */
    static void keep(Matrix matrix, Tensor chosen, Tensor values, Optimizer optimizer) {
        try (var scope = Scope.open()) {
            var before = matrix.delta().indices().value().to(ScalarType.Long).contiguous();
            long count = before.numel();
            matrix.delta().values().resize(values);
            var name = matrix.delta().values().name();
            if (count == 0) {
                matrix.delta().indices().resize(chosen);
                optimizer.forget(Set.of(name));
                return;
            }
            var wanted = chosen.to(ScalarType.Long).contiguous();
            var place = torch.searchsorted(before, wanted).clamp_max(new Scalar(count - 1));
            var isNew = before.index_select(0, place).ne(wanted);
            matrix.delta().indices().resize(chosen);
            optimizer.exchange(name, name, moment -> {
                var shape = new long[(int) moment.dim()];
                Arrays.fill(shape, 1);
                shape[0] = isNew.numel();
                return moment.index_select(0, place).masked_fill(isNew.view(shape), new Scalar(0.0));
            });
        }
    }

    /** The entries of {@code matrix} that a delta would keep at {@code indices}. */
    static Tensor entries(Matrix matrix, Tensor indices, Tensor whole) {
        var delta = matrix.delta();
        long count = indices.numel();
        var empty =
                delta.block() == 1 ? Initialiser.zeros(count) : Initialiser.zeros(count, delta.block(), delta.block());
        var shape = matrix.shape();
        return new SparseMatrix(shape.get(0), shape.get(1), delta.block(), indices, empty).entriesOf(whole);
    }
}
