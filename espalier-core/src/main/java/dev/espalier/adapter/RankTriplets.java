package dev.espalier.adapter;

import dev.espalier.importance.MovingImportance;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The ranks of one delta: a row of {@code A}, a factor and a column of {@code B} each.
 *
 * @param a {@code A}, {@code [rank, in]}
 * @param d the factors, {@code rank} numbers in any shape
 * @param b {@code B}, {@code [out, rank]}
 * @param mask 1 for what a budget leaves, 0 for what it took away, {@code [rank]}, frozen; null where there is no budget
 */
record RankTriplets(
        Parameter a, Parameter d, Parameter b, @Nullable Parameter mask) {
    /** The deltas of {@code adapter} that are made of triplets, by their module. */
    static Map<String, RankTriplets> of(Adapter adapter) {
        var found = new LinkedHashMap<String, RankTriplets>();
        adapter.deltas().forEach((path, delta) -> {
            if (delta instanceof ScaledRanksDelta scaled) {
                found.put(path, scaled.ranks());
            }
        });
        return found;
    }

    int count() {
        return (int) d.size();
    }

    /** Row, factor and column. */
    Stream<Parameter> trained() {
        return Stream.of(a, b, d);
    }

    private Parameter required() {
        return Objects.requireNonNull(mask, "these ranks have no budget");
    }

    /** Takes a step into the importance of row, factor and column. */
    void update(MovingImportance importance, Map<String, Tensor> gradients) {
        trained().forEach(parameter -> {
            var gradient = gradients.get(parameter.name());
            if (gradient != null) {
                importance.update(parameter, gradient);
            }
        });
    }

    /** The importance of each rank: that of its factor and the means of its row's and its column's. */
    float[] scores(MovingImportance importance) {
        var values = new float[count()];
        if (values.length > 0) {
            try (var scope = Scope.open()) {
                var vectors =
                        importance.score(a).mean(1).add(importance.score(b).mean(0));
                var sums = importance.score(d).view(-1).add(vectors).contiguous();
                new FloatPointer(sums.data_ptr()).get(values);
            }
        }
        return values;
    }

    /** Marks the ranks that are {@code wanted}. */
    void mask(IntPredicate wanted) {
        var values = new float[count()];
        for (int rank = 0; rank < values.length; rank++) {
            values[rank] = wanted.test(rank) ? 1 : 0;
        }
        try (var scope = Scope.open()) {
            if (values.length > 0) {
                required().value().copy_(torch.tensor(values));
            }
        }
    }

    /** How many ranks the budget leaves. */
    int unmasked() {
        try (var scope = Scope.open()) {
            return (int) required().value().sum().item_double();
        }
    }

    /** Sets the factors to zero that are masked. */
    void applyMask() {
        try (var scope = Scope.open()) {
            var off = required().value().eq(new Scalar(0)).view(d.shape());
            d.value().masked_fill_(off, new Scalar(0));
        }
    }

    /**
     * Which ranks do anything or may yet: a rank that was taken away counts as long as its factor is not zero, for it has
     * come back to life.
     */
    List<Boolean> kept() {
        try (var scope = Scope.open()) {
            var kept = new ArrayList<Boolean>();
            for (int rank = 0; rank < d.size(); rank++) {
                kept.add(mask == null || number(mask, rank) != 0 || number(d, rank) != 0);
            }
            return kept;
        }
    }

    private static double number(Parameter parameter, int place) {
        return parameter.value().view(-1).get(place).item_double();
    }

    /** The rows of the ranks that are kept; the first where none is, for LoRA has no rank 0. */
    Tensor someRows(Tensor rows) {
        return kept().contains(true) ? kept(rows, 0) : rows.narrow(0, 0, 1);
    }

    /** The columns likewise. */
    Tensor someColumns(Tensor columns) {
        return kept().contains(true) ? kept(columns, 1) : columns.narrow(1, 0, 1);
    }

    /** Of {@code values} those of the ranks that are kept, which lie along {@code axis}; of the caller's scope. */
    Tensor kept(Tensor values, int axis) {
        var kept = kept();
        if (!kept.contains(false)) {
            return values;
        }
        var places = IntStream.range(0, kept.size())
                .filter(kept::get)
                .mapToLong(place -> place)
                .toArray();
        return torch.index_select(values, axis, torch.tensor(places));
    }
}
