package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

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

    /**
     * The same in another dtype: {@link #tensor(String)} itself where the file has that dtype, else a copy, to be read only.
     *
     * @param owner of the copy, unless this source keeps it itself
     */
    default Tensor tensor(String name, ScalarType dtype, Owner owner) {
        var stored = tensor(name);
        if (Engine.dtype(stored) == dtype) {
            return stored;
        }
        try (var scope = Scope.open()) {
            return owner.own(stored.to(dtype));
        }
    }

    /** Free text that the file carries. */
    Map<String, String> metadata();

    @Override
    void close();
}
