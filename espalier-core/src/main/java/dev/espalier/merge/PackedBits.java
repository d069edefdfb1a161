package dev.espalier.merge;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Masks with eight bits to a byte, the first in the lowest. */
final class PackedBits {
    private PackedBits() {}

    /** The bits of {@code mask}, of any shape, row by row, as bytes; of the caller's scope. */
    static Tensor pack(Tensor mask) {
        try (var scope = Scope.open()) {
            var flat = mask.reshape(-1).to(ScalarType.Byte);
            long missing = Math.floorMod(-flat.numel(), (long) Byte.SIZE);
            var padded = torch.cat(
                    new TensorVector(flat, torch.zeros(new long[] {missing}, Engine.options(ScalarType.Byte))), 0);
            var columns = padded.view(-1, Byte.SIZE);
            var bytes = torch.zeros(new long[] {columns.size(0)}, Engine.options(ScalarType.Byte));
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                bytes.add_(columns.select(1, bit), new Scalar(1 << bit));
            }
            return scope.keep(bytes);
        }
    }

    /** {@code count} bits as zeros and ones, fp32, of the caller's scope. */
    static Tensor unpack(Tensor bytes, long count) {
        try (var scope = Scope.open()) {
            var bits = torch.empty(new long[] {bytes.numel(), Byte.SIZE}, Engine.options(ScalarType.Float), null);
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                var set = bytes.bitwise_and(new Scalar(1 << bit)).ne(new Scalar(0));
                bits.select(1, bit).copy_(set);
            }
            return scope.keep(bits.view(-1).narrow(0, 0, count));
        }
    }
}
