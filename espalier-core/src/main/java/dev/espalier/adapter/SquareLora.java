package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * MoRA (Jiang et al., <a href="https://arxiv.org/abs/2405.12130">arXiv 2405.12130</a>): one square matrix {@code M} of
 * {@code r̂ = √((in + out) · rank)} in the place of LoRA's two, with as many weights and a far higher rank. The input is cut
 * into chunks {@code x_0, x_1, ...} of {@code r̂}, the last filled up with zeros. A reconstruction from the abstract and a
 * summary; the authors' code was not read.
 *
 * @param compression how the chunks come to the matrix, and its products to the output
 */
public record SquareLora(Compression compression) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "mora";

    /** Of the angles of {@link Compression#ROTATED}, as of rotary position embeddings. */
    private static final double BASE = 10_000;

    /** How an input of any width comes to a square matrix. */
    public enum Compression {
        /** {@code M Σ_i x_i}, repeated to the width of the output: the delta has rank {@code r̂}. */
        @JsonProperty("sum")
        SUM,

        /**
         * {@code M R_i x_i} of every chunk, one after the other; repeated to the width of the output, or wrapped around at
         * it and added up where there is more. {@code R_i} turns the numbers {@code j} and {@code j + ⌊r̂/2⌋} of a chunk as
         * rotary position embeddings turn those of the token at place {@code i}, by {@code i · 10000^(-2j/r̂)}, so that the
         * matrix can tell chunks apart. Nothing is summed away: the delta's rank is up to that of the weight, and so is the
         * size of the plain LoRA that is saved.
         */
        @JsonProperty("rotated")
        ROTATED
    }

    /** With sums of chunks. */
    public SquareLora() {
        this(Compression.SUM);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        long in = linear.inFeatures();
        long out = linear.outFeatures();
        long side = Math.min(Math.min(in, out), Math.round(Math.sqrt((in + out) * (double) spec.rank())));
        var square = weights.weight(
                StructuredLoraSpec.A, StoredLayout.same(side, side), random -> Initialiser.zeros(side, side));
        boolean sum = compression == Compression.SUM;
        weights.saveAs(StructuredLoraSpec.A, m -> sum ? repeated(m, in) : blocks(m, in, out));
        long rank = sum ? side : Math.min(out, chunks(in, side) * side);
        weights.alsoSave(
                StructuredLoraSpec.B, square, m -> repeated(torch.eye(rank, Engine.options(ScalarType.Float)), out)
                        .t());
        return new PlainDelta(linear.name(), spec.dropout(), List.of(square), (x, w) -> {
            var padded = torch.constant_pad_nd(x, new long[] {0, chunks(in, side) * side - in});
            var cut = padded.view(x.size(0), -1, side);
            var products = sum ? torch.mm(cut.sum(1), w.get(0).t()) : products(cut, w.get(0), out);
            return repeated(products, out).mul(new Scalar(spec.scaling()));
        });
    }

    private static long chunks(long in, long side) {
        return (in + side - 1) / side;
    }

    /** {@code M R_i x_i} of every chunk, no wider than {@code out}. */
    private static Tensor products(Tensor chunks, Tensor m, long out) {
        var turned = rotated(chunks);
        var products = torch.mm(turned.reshape(-1, m.size(0)), m.t());
        return wrapped(products.view(chunks.size(0), -1), out);
    }

    /** Columns past {@code width} added to those at its beginning, {@code [rows, width]}; fewer as they are. */
    private static Tensor wrapped(Tensor columns, long width) {
        long all = columns.size(1);
        if (all <= width) {
            return columns;
        }
        var padded = torch.constant_pad_nd(columns, new long[] {0, chunks(all, width) * width - all});
        return padded.view(columns.size(0), -1, width).sum(1);
    }

    /** {@code R_i x_i}: chunks of {@code [rows, chunks, side]}, each turned by its place. */
    private static Tensor rotated(Tensor chunks) {
        long side = chunks.size(2);
        long half = side / 2;
        var first = chunks.narrow(2, 0, half);
        var second = chunks.narrow(2, half, half);
        var cos = angles(chunks.size(1), side, true).to(Engine.dtype(chunks));
        var sin = angles(chunks.size(1), side, false).to(Engine.dtype(chunks));
        var parts = new Tensor[] {
            first.mul(cos).sub(second.mul(sin)),
            second.mul(cos).add(first.mul(sin)),
            chunks.narrow(2, 2 * half, side - 2 * half)
        };
        return torch.cat(new TensorVector(parts), 2);
    }

    /** The cosines or sines of every chunk's angles, {@code [chunks, side / 2]}. */
    private static Tensor angles(long chunks, long side, boolean cosine) {
        int half = (int) (side / 2);
        var values = new float[(int) chunks * half];
        for (int i = 0; i < values.length; i++) {
            double angle = i / half * Math.pow(BASE, -2.0 * (i % half) / side);
            values[i] = (float) (cosine ? Math.cos(angle) : Math.sin(angle));
        }
        return FloatArrays.tensor(values, chunks, half);
    }

    /** The first factor of what {@link Compression#ROTATED} computes, where the second repeats its rows to the output. */
    private static Tensor blocks(Tensor m, long in, long out) {
        long side = m.size(0);
        long count = chunks(in, side);
        // The columns of M R_i are what the units of chunk i become.
        var units = torch.eye(side, m.options()).unsqueeze(1).repeat(1, count, 1);
        var turned = rotated(units).permute(1, 0, 2).matmul(m.t());
        var blocks = new ArrayList<Tensor>();
        for (int i = 0; i < count; i++) {
            blocks.add(turned.select(0, i).t());
        }
        var all = torch.block_diag(new TensorVector(blocks.toArray(Tensor[]::new)));
        return wrapped(all.t(), out).t().narrow(1, 0, in);
    }

    /** The columns again and again until there are {@code width}. */
    private static Tensor repeated(Tensor columns, long width) {
        long times = (width + columns.size(1) - 1) / columns.size(1);
        return columns.repeat(1, times).narrow(1, 0, width);
    }
}
