package dev.espalier.adapter;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * AdaLoRA's regulariser: {@code weight} times the mean over all matrices of {@code ‖A Aᵀ − I‖_F} or {@code ‖Bᵀ B − I‖_F},
 * norms that are not squared, as in PEFT.
 */
final class OrthogonalityPenalty implements WeightPenalty {
    private final double weight;
    private final List<Parameter> rows;
    private final List<Parameter> columns;

    /**
     * @param rows matrices whose rows are to be orthonormal
     * @param columns matrices whose columns are to be
     */
    OrthogonalityPenalty(double weight, List<Parameter> rows, List<Parameter> columns) {
        this.weight = weight;
        this.rows = List.copyOf(rows);
        this.columns = List.copyOf(columns);
    }

    @Override
    public double addTo(GradientSink gradients) {
        double share = weight / (rows.size() + columns.size());
        double sum = 0;
        for (var a : rows) {
            sum += add(a, false, share, gradients);
        }
        for (var b : columns) {
            sum += add(b, true, share, gradients);
        }
        return sum;
    }

    private static double add(Parameter parameter, boolean columns, double share, GradientSink gradients) {
        try (var scope = Scope.open()) {
            var a = columns ? parameter.value().t() : parameter.value();
            var off = torch.mm(a, a.t()).sub(torch.eye(a.size(0), Engine.options(ScalarType.Float)));
            double norm = off.norm().item_double();
            if (norm > 0) {
                Tensor gradient = torch.mm(off, a).mul(new Scalar(2 * share / norm));
                gradients.add(parameter, columns ? gradient.t() : gradient);
            }
            return share * norm;
        }
    }
}
