package dev.espalier.adapter;

import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What an adapter adds to one weight: {@code W' - W}. Of a linear it is {@code [out, in]}, whatever way the weight is
 * stored. Its tensors belong to whoever made it.
 */
public sealed interface WeightDelta {
    /** All its numbers, fp32, of the caller's scope. */
    Tensor dense();

    /** All numbers. */
    record Dense(Tensor values) implements WeightDelta {
        @Override
        public Tensor dense() {
            return new Tensor(values);
        }
    }

    /**
     * {@code s B A}.
     *
     * @param b {@code [rows, rank]}, fp32
     * @param a {@code [rank, columns]}, fp32
     * @param scaling {@code s}
     */
    record LowRank(Tensor b, Tensor a, double scaling) implements WeightDelta {
        @Override
        public Tensor dense() {
            var product = torch.mm(b, a);
            product.mul_(new Scalar(scaling));
            return product;
        }

        /** The number of columns of {@code B}. */
        public long rank() {
            return a.size(0);
        }

        /** The same times {@code factor}, with scaling 1: {@code B} and {@code factor · s A}. */
        public LowRank scaled(double factor) {
            return new LowRank(b, a.mul(new Scalar(factor * scaling)), 1);
        }

        /** The exact sum: factors side by side, their ranks add up. */
        public static LowRank sum(List<LowRank> parts) {
            if (parts.size() == 1) {
                return parts.get(0);
            }
            var up = parts.stream().map(LowRank::b).toArray(Tensor[]::new);
            var down = parts.stream().map(part -> part.scaled(1).a()).toArray(Tensor[]::new);
            return new LowRank(torch.cat(new TensorVector(up), 1), torch.cat(new TensorVector(down), 0), 1);
        }
    }
}
