package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * A safetensors file, mapped: opening it reads the header only, and tensors are views of the mapping.
 *
 * <pre>
 * file     := length header data
 * length   := the bytes of header, unsigned 64 bits little-endian, at most 100 000 000
 * header   := one JSON object { ("__metadata__": { (key: text)* })? (name: tensor)* }, then any number of spaces
 * tensor   := { "dtype": dtype, "shape": [size*], "data_offsets": [begin, end] }
 * dtype    := BOOL | U8 | I8 | F8_E5M2 | F8_E4M3 | F8_E8M0 | F8_E4M3FNUZ | F8_E5M2FNUZ | I16 | U16 | F16 | BF16
 *           | I32 | U32 | F32 | C64 | F64 | I64 | U64
 * data     := the elements, little-endian, row-major
 * </pre>
 *
 * <p>Offsets count bytes from the start of the data. Names are unique. The tensors tile the data from 0 to its end
 * without overlap or hole, and {@code end - begin} is the product of the shape times the bytes of the dtype. A file
 * that breaks any of this is rejected before its data is touched. Writers pad the header with spaces to a multiple of 8 so that
 * data is aligned; a tensor whose bytes are not aligned to its dtype is copied when it is read.
 */
public final class SafetensorsFile implements TensorSource {
    private final MappedFile file;
    private final SafetensorsHeader header;
    private final Map<String, Tensor> tensors = new HashMap<>();

    private SafetensorsFile(MappedFile file, SafetensorsHeader header) {
        this.file = file;
        this.header = header;
    }

    /**
     * Opens the file at {@code path}.
     *
     * @throws InputException if it cannot be read or breaks the format; the message says where
     */
    public static SafetensorsFile open(Path path) {
        var file = new MappedFile(path);
        try {
            return new SafetensorsFile(file, SafetensorsHeader.read(file));
        } catch (InputException e) {
            file.close();
            throw e;
        }
    }

    /** The file that was opened. */
    public Path path() {
        return file.path();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(header.entries().keySet());
    }

    @Override
    public TensorInfo info(String name) {
        return entry(name).info();
    }

    @Override
    public synchronized Tensor tensor(String name) {
        var entry = entry(name);
        return tensors.computeIfAbsent(name, n -> file.slice(header.dataStart() + entry.begin(), entry.info()));
    }

    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(header.metadata());
    }

    @Override
    public void close() {
        file.close();
    }

    @Override
    public String toString() {
        return path().toString();
    }

    private SafetensorsHeader.Entry entry(String name) {
        var entry = header.entries().get(name);
        if (entry == null) {
            throw missing(path(), name, names());
        }
        return entry;
    }

    /** The one sentence for a name that a file does not have. */
    static InputException missing(Path path, String name, Set<String> names) {
        var near = Nearest.to(name, names, 3);
        return new InputException(path + " has no tensor '" + name + "'"
                + (near.isEmpty() ? "." : "; nearest are " + String.join(", ", near) + "."));
    }
}
