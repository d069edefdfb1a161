package dev.espalier.adapter;

import dev.espalier.model.Delta;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How alike the experts of one module are: the cosines of what they change in its weight, {@code ΔW_e = B_e A_e}, as
 * vectors of all its numbers; of experts that are vectors, the cosines of what they are off 1. The changes themselves are
 * never made: {@code ⟨ΔW_e, ΔW_f⟩ = Σ_ij (B_eᵀ B_f ⊙ A_e A_fᵀ)_ij}. Nonlinearities count for nothing.
 *
 * @param cosines {@code [expert][expert]}, from -1 to 1; not a number with an expert that changes nothing yet
 */
public record ExpertSimilarity(List<List<Double>> cosines) {
    /** With more experts than this only the mean is written down. */
    static final int MOST_WRITTEN = 16;

    private static final double DECIMALS = 1e4;

    public ExpertSimilarity {
        cosines = cosines.stream().map(List::copyOf).toList();
    }

    /** Of every module of {@code adapter} that has several experts, by its path. */
    public static Map<String, ExpertSimilarity> of(Adapter adapter) {
        var similarities = new LinkedHashMap<String, ExpertSimilarity>();
        adapter.deltas()
                .forEach((path, delta) -> of(delta).ifPresent(similarity -> similarities.put(path, similarity)));
        return similarities;
    }

    /** Of a delta that has several experts; empty for another. */
    @SuppressWarnings("try") // the guard works by being open
    static Optional<ExpertSimilarity> of(Delta delta) {
        try (var scope = Scope.open();
                var noGrad = new NoGradGuard()) {
            if (delta instanceof ScaleMixtureDelta scales) {
                var off = scales.scales().value().to(ScalarType.Double).sub(new Scalar(1));
                return off.size(0) < 2 ? Optional.empty() : Optional.of(of(torch.mm(off, off.t())));
            }
            return LowRankPair.of(delta).stream()
                    .filter(pair -> pair.experts() > 1)
                    .findFirst()
                    .map(pair -> of(inner(pair)));
        }
    }

    /** {@code ⟨ΔW_e, ΔW_f⟩}, {@code [experts, experts]}. */
    private static Tensor inner(LowRankPair pair) {
        int experts = pair.experts();
        var a = pair.a().value().to(ScalarType.Double);
        var b = pair.b().value().to(ScalarType.Double);
        var ofA = torch.mm(a, a.t());
        var products = torch.mm(b.t(), b).mul(pair.sharedA() ? ofA.repeat(experts, experts) : ofA);
        return products.view(experts, -1, experts, products.size(0) / experts).sum(1, 3);
    }

    private static ExpertSimilarity of(Tensor inner) {
        int experts = (int) inner.size(0);
        var values = new double[experts][experts];
        for (int e = 0; e < experts; e++) {
            for (int f = 0; f < experts; f++) {
                values[e][f] = inner.select(0, e).select(0, f).item_double();
            }
        }
        List<List<Double>> cosines = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
            int row = e;
            cosines.add(IntStream.range(0, experts)
                    .mapToObj(f -> values[row][f] / Math.sqrt(values[row][row] * values[f][f]))
                    .toList());
        }
        return new ExpertSimilarity(cosines);
    }

    /** The mean over all pairs of experts that both change something; empty where there is none. */
    public OptionalDouble mean() {
        return IntStream.range(0, cosines.size())
                .mapToObj(e -> cosines.get(e).subList(0, e))
                .flatMapToDouble(row -> row.stream().flatMapToDouble(DoubleStream::of))
                .filter(cosine -> !Double.isNaN(cosine))
                .average();
    }

    /** What is written down of it: {@code mean}, and {@code cosines} where there are few experts; empty as the mean. */
    public Optional<Map<String, Object>> line() {
        return mean().stream()
                .mapToObj(mean -> {
                    Map<String, Object> line = new LinkedHashMap<>();
                    line.put("mean", mean);
                    if (cosines.size() <= MOST_WRITTEN) {
                        line.put("cosines", rounded());
                    }
                    return line;
                })
                .findFirst();
    }

    private List<List<Double>> rounded() {
        return cosines.stream()
                .map(row -> row.stream()
                        .map(c -> Double.isNaN(c) ? c : Math.round(c * DECIMALS) / DECIMALS)
                        .toList())
                .toList();
    }
}
