package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A file mapped whole by libtorch, so that it may exceed the 2 GiB of a {@link ByteBuffer} and its slices are tensors.
 * The mapping is private (copy on write): a slice that is written to by mistake does not change the file.
 */
final class MappedFile implements AutoCloseable {
    private final Path path;
    private final Owner owner = new Owner();
    private final Tensor bytes;
    private final long size;

    /** Maps {@code path}, which must not be empty: the kernel maps no zero bytes. */
    MappedFile(Path path) {
        this.path = path;
        try {
            size = Files.size(path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        if (size == 0) {
            throw new InputException(path + " is empty: it was probably not written to its end, so get it again.");
        }
        // libtorch takes UTF-8 on Windows, and the bytes of the file system, UTF-8 in practice, elsewhere.
        try (var scope = Scope.open()) {
            bytes = owner.own(torch.from_file(
                    new BytePointer(path.toAbsolutePath().toString(), StandardCharsets.UTF_8),
                    new BoolOptional(false),
                    new LongOptional(size),
                    new TensorOptions(ScalarType.Byte)));
        } catch (RuntimeException e) {
            throw new InputException("Cannot map " + path + " into memory: is it a file that you may read?", e);
        }
    }

    static InputException unreadable(Path path, IOException e) {
        return new InputException("Cannot read " + path + ": " + AtomicFiles.reason(e) + ".", e);
    }

    Path path() {
        return path;
    }

    /** The size in bytes when it was mapped. */
    long size() {
        return size;
    }

    /** A copy of {@code length} bytes from {@code offset} on, which must lie in the file. */
    byte[] read(long offset, int length) {
        Objects.checkFromIndexSize(offset, length, size);
        try (var scope = Scope.open()) {
            var copy = new byte[length];
            new BytePointer(bytes.data_ptr()).capacity(size).position(offset).get(copy);
            return copy;
        }
    }

    /**
     * All bytes, valid until this file closes.
     *
     * @throws InputException if there are 2 GiB of them or more
     */
    ByteBuffer buffer() {
        if (size > Integer.MAX_VALUE) {
            throw new InputException(path + " has " + size + " bytes, more than a file of its format can (2 GiB).");
        }
        return new BytePointer(bytes.data_ptr()).capacity(size).asByteBuffer();
    }

    /**
     * The bytes from {@code offset} on as a tensor that this file owns: a view, or a copy where the offset is no
     * multiple of the element size (libtorch views aligned data only).
     */
    Tensor slice(long offset, TensorInfo info) {
        try (var scope = Scope.open()) {
            var elements = info.elements();
            if (elements == 0) {
                return owner.own(torch.empty(info.sizes(), new TensorOptions(info.dtype()), null));
            }
            var width = torch.elementSize(info.dtype());
            var slice = bytes.narrow(0, offset, elements * width);
            if (offset % width != 0) {
                slice = slice.clone();
            }
            return owner.own(slice.view(info.dtype()).view(info.sizes()));
        }
    }

    @Override
    public void close() {
        owner.close();
    }
}
