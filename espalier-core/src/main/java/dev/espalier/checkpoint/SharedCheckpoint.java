package dev.espalier.checkpoint;

import dev.espalier.tensor.Owner;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A checkpoint that several models read at once, on any thread: each tensor is mapped, or converted to a dtype, for all of
 * them together.
 */
public final class SharedCheckpoint implements AutoCloseable {
    private final TensorSource source;
    private final Owner owner = new Owner();
    private final Map<Converted, Tensor> converted = new HashMap<>();
    private int readers;

    private record Converted(String name, ScalarType dtype) {}

    /** @param source is closed with this */
    public SharedCheckpoint(TensorSource source) {
        this.source = source;
    }

    /** The checkpoint for one more reader, who closes what is given; the tensors live on. */
    public synchronized TensorSource reader() {
        readers++;
        return new Reader();
    }

    /** Whether someone still reads it. */
    public synchronized boolean isRead() {
        return readers > 0;
    }

    private synchronized Tensor tensor(String name, ScalarType dtype) {
        var key = new Converted(name, dtype);
        var known = converted.get(key);
        if (known == null) {
            known = source.tensor(name, dtype, owner);
            converted.put(key, known);
        }
        return known;
    }

    private synchronized void left() {
        readers--;
    }

    /** Frees all tensors; nobody may read any more. */
    @Override
    public synchronized void close() {
        owner.close();
        source.close();
    }

    /** What one model sees of it. */
    private final class Reader implements TensorSource {
        private boolean closed;

        @Override
        public Set<String> names() {
            return source.names();
        }

        @Override
        public TensorInfo info(String name) {
            return source.info(name);
        }

        @Override
        public Tensor tensor(String name) {
            return source.tensor(name);
        }

        @Override
        public Tensor tensor(String name, ScalarType dtype, Owner ofReader) {
            return SharedCheckpoint.this.tensor(name, dtype);
        }

        @Override
        public Map<String, String> metadata() {
            return source.metadata();
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                left();
            }
        }

        @Override
        public String toString() {
            return source.toString();
        }
    }
}
