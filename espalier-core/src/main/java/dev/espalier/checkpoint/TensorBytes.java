package dev.espalier.checkpoint;

import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;

/** Writes the numbers of tensors as they are in memory, row-major. */
final class TensorBytes {
    private static final long CHUNK_BYTES = 1L << 26;

    private TensorBytes() {}

    static void write(WritableByteChannel channel, Tensor tensor) throws IOException {
        try (var scope = Scope.open()) {
            var contiguous = tensor.detach().cpu().contiguous();
            var bytes = contiguous.numel() * contiguous.element_size();
            var data = new BytePointer(contiguous.data_ptr());
            for (long begin = 0; begin < bytes; begin += CHUNK_BYTES) {
                // A pointer of its own per chunk: a byte buffer cannot reach beyond 2 GiB from its base.
                var chunk = data.getPointer(begin).capacity(Math.min(CHUNK_BYTES, bytes - begin));
                writeFully(channel, chunk.asByteBuffer());
            }
        }
    }

    static void writeFully(WritableByteChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
