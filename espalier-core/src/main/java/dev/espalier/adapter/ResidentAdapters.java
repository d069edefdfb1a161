package dev.espalier.adapter;

import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Adapters by name on a model that stays in memory: they are loaded, activated, deactivated and dropped while others use
 * it. Passes that go through {@link #run} may run side by side on many threads; a change waits for them and they for it,
 * so that no pass sees half of one.
 *
 * <p>Active adapters act together on every pass, unless {@link #choose} gives each sequence one of them.
 */
public final class ResidentAdapters implements AutoCloseable {
    private final LanguageModel model;
    private final Map<String, Adapter> adapters = new LinkedHashMap<>();
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);

    /** No adapters yet; {@code model} stays the caller's and lives longer. */
    public ResidentAdapters(LanguageModel model) {
        this.model = model;
    }

    /**
     * Loads the adapter in {@code folder} and activates it.
     *
     * @throws InputException if there is one of that name, the folder is none or does not fit the model, or its trained
     *     head would take the place of one that the model has; then nothing is changed
     */
    public void load(String name, Path folder) {
        change(() -> {
            if (adapters.containsKey(name)) {
                throw new InputException(
                        "There is an adapter '" + name + "' already; drop it first, or choose another name.");
            }
            try (var saved = AdapterFolder.open(folder)) {
                for (var head : saved.card().heads()) {
                    if (head.kind() != TaskKind.CAUSAL_LM && model.heads().containsKey(head.name())) {
                        throw new InputException("The adapter in " + folder + " has a trained head '" + head.name()
                                + "', and so has the model: its weights would be lost; use a model of its own.");
                    }
                }
                adapters.put(name, saved.load(name, model));
            }
        });
    }

    /**
     * Lets an adapter act, after those that are active.
     *
     * @throws InputException if there is none of that name
     */
    public void activate(String name) {
        change(() -> find(name).enable());
    }

    /**
     * Keeps an adapter in memory without letting it act.
     *
     * @throws InputException if there is none of that name
     */
    public void deactivate(String name) {
        change(() -> find(name).disable());
    }

    /**
     * Takes an adapter off the model and frees it.
     *
     * @throws InputException if there is none of that name
     */
    public void drop(String name) {
        change(() -> {
            find(name).close();
            adapters.remove(name);
        });
    }

    /** The names of all that are loaded. */
    public Set<String> names() {
        return run(() -> Set.copyOf(adapters.keySet()));
    }

    /** Runs passes over the model; the adapters stay as they are until {@code passes} is done. */
    public <T> T run(Supplier<T> passes) {
        lock.readLock().lock();
        try {
            return passes.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Lets one adapter act on each sequence of a pass; see {@link ForwardContext#adapters}. To be called inside
     * {@link #run}.
     *
     * @param perSequence names of active adapters; empty for the bare model
     * @throws InputException if a name is none of an active adapter
     */
    public ForwardContext choose(ForwardContext context, List<Optional<String>> perSequence) {
        for (var name : perSequence) {
            if (name.isPresent() && !find(name.get()).isEnabled()) {
                throw new InputException("Adapter '" + name.get() + "' is not active; activate it to use it.");
            }
        }
        return context.adapters(perSequence);
    }

    private Adapter find(String name) {
        var adapter = adapters.get(name);
        if (adapter == null) {
            throw new InputException("There is no adapter '" + name + "'"
                    + (adapters.isEmpty()
                            ? "; load it first."
                            : "; there are " + String.join(", ", Nearest.to(name, adapters.keySet(), 5)) + "."));
        }
        return adapter;
    }

    private void change(Runnable change) {
        if (lock.getReadHoldCount() > 0) {
            throw new IllegalStateException("adapters cannot change inside a pass");
        }
        lock.writeLock().lock();
        try {
            change.run();
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Drops all adapters; the model is as it was without them. */
    @Override
    public void close() {
        change(() -> {
            adapters.values().forEach(Adapter::close);
            adapters.clear();
        });
    }
}
