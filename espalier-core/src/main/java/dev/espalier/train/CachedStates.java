package dev.espalier.train;

import dev.espalier.checkpoint.ScratchFile;
import dev.espalier.data.EncodedExample;
import dev.espalier.model.PrefixStates;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Where the states of one split's examples lie in a file. */
final class CachedStates implements PrefixStates {
    private final int layer;
    private final Map<Key, Long> offsets = new HashMap<>();
    private final Map<Integer, List<EncodedExample>> examples = new TreeMap<>();
    private @Nullable ScratchFile file;

    private record Key(int task, long example) {}

    CachedStates(int layer) {
        this.layer = layer;
    }

    /** Gives an example its place. */
    void add(EncodedExample example, long offset) {
        offsets.put(new Key(example.task(), example.id()), offset);
        examples.computeIfAbsent(example.task(), task -> new ArrayList<>()).add(example);
    }

    /** The examples that have a place, task by task. */
    Iterable<List<EncodedExample>> byTask() {
        return examples.values();
    }

    long offset(int task, long example) {
        return Objects.requireNonNull(offsets.get(new Key(task, example)));
    }

    /** All places have been written. */
    void readFrom(ScratchFile written) {
        file = written;
        examples.clear();
    }

    @Override
    public int layer() {
        return layer;
    }

    @Override
    public boolean holds(int task, long example) {
        return offsets.containsKey(new Key(task, example));
    }

    @Override
    public void read(int task, long example, Tensor to) {
        Objects.requireNonNull(file).read(offset(task, example), to);
    }
}
