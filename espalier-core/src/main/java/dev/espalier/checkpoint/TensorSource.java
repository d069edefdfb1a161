package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * Named tensors on disk. Opening one reads names and shapes only; values are read when they are used. The text of a
 * source ({@code toString}) is its path, for messages.
 */
public interface TensorSource extends AutoCloseable {
    /** The names of all tensors. */
    Set<String> names();

    /**
     * The dtype and shape of one tensor.
     *
     * @throws InputException if there is no tensor of that name
     */
    TensorInfo info(String name);

    /**
     * A view of the mapped file where the format allows it, to be read only. This source owns it: it is the same object
     * at each call and is invalid once the source is closed.
     *
     * @throws InputException if there is no tensor of that name
     */
    Tensor tensor(String name);

    /** Free text that the file carries. */
    Map<String, String> metadata();

    @Override
    void close();
}
