package dev.espalier.train;

import dev.espalier.tensor.Engine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * Threads that each run whole passes over a part of a batch. Two workers with one native thread each are faster than
 * one worker with two: the small operations between the matrix products then run side by side as well, and nothing
 * waits at the end of each of them.
 */
public final class Workers implements AutoCloseable {
    private final List<ExecutorService> threads;
    private final int count;
    private final int nativeThreads;

    /**
     * @param count how many; 0 for two, or one where the machine has one core. Native threads are shared out evenly.
     */
    public Workers(int count) {
        this(count, Engine.threads());
    }

    /**
     * As the other.
     *
     * @param nativeThreads that all of them have together, at least one each
     */
    Workers(int count, int nativeThreads) {
        Engine.load();
        this.count = count > 0 ? count : Math.min(2, nativeThreads);
        this.nativeThreads = nativeThreads;
        threads = Stream.generate(Workers::thread).limit(this.count).toList();
    }

    private static ExecutorService thread() {
        return Executors.newSingleThreadExecutor(task -> {
            var thread = new Thread(
                    () -> {
                        try (var guard = Engine.enter(1)) {
                            task.run();
                        }
                    },
                    "espalier-worker");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** How many there are. */
    public int count() {
        return count;
    }

    /** Native threads of each, where so many of them are at work. */
    int nativeThreads(int atWork) {
        return Math.max(1, nativeThreads / Math.max(1, Math.min(count, atWork)));
    }

    /**
     * Applies {@code function} to every item and its place, side by side; fewer items than workers have more native
     * threads each. The first items always run in the same threads, for an allocator gives a thread what it freed before,
     * and another thread new memory.
     *
     * @return the results in the items' order
     * @throws RuntimeException the first item's that failed, after all have ended
     */
    public <T, R> List<R> map(List<T> items, BiFunction<T, Integer, R> function) {
        int each = nativeThreads(items.size());
        var tasks = new ArrayList<FutureTask<R>>();
        for (int i = 0; i < items.size(); i++) {
            int place = i;
            tasks.add(new FutureTask<>(() -> {
                Engine.threads(each);
                return function.apply(items.get(place), place);
            }));
        }
        int atWork = Math.min(count, tasks.size());
        var next = new AtomicInteger(atWork);
        for (int worker = 0; worker < atWork; worker++) {
            int first = worker;
            threads.get(worker).execute(() -> {
                for (int place = first; place < tasks.size(); place = next.getAndIncrement()) {
                    tasks.get(place).run();
                }
            });
        }
        var results = new ArrayList<R>();
        RuntimeException failure = null;
        for (var task : tasks) {
            try {
                results.add(await(task));
            } catch (RuntimeException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return results;
    }

    private static <R> R await(Future<R> future) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    // Native memory is in use: let the pass end, then say that the thread was interrupted.
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException cause) {
                        throw cause;
                    }
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        threads.forEach(ExecutorService::shutdown);
    }
}
