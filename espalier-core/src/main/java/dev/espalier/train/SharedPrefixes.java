package dev.espalier.train;

import dev.espalier.checkpoint.ScratchFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Files of what frozen first layers make of examples, by what that depends on; each is filled by the first run that asks. A
 * file that nobody reads any more stays for the next run, until one asks for something else.
 */
final class SharedPrefixes implements AutoCloseable {
    private final Map<Object, Shared> files = new HashMap<>();

    /** One file and who reads it. */
    private static final class Shared {
        private int users;
        private @Nullable ScratchFile file;
    }

    /**
     * The filled file for {@code key}; null if {@code fill} was stopped. Runs that need the same wait for the one that fills
     * it. {@link #release} gives it back, in either case.
     *
     * @param path where the file is made, if there is none
     * @param fill writes everything; false if it was stopped before
     */
    @Nullable ScratchFile filled(Object key, Path path, Predicate<ScratchFile> fill) {
        var shared = use(key);
        synchronized (shared) {
            if (shared.file == null) {
                var made = new ScratchFile(path);
                boolean whole = false;
                try {
                    whole = fill.test(made);
                } finally {
                    if (!whole) {
                        made.close();
                    }
                }
                shared.file = whole ? made : null;
            }
            return shared.file;
        }
    }

    private synchronized Shared use(Object key) {
        files.entrySet().removeIf(other -> {
            boolean unread = other.getValue().users == 0 && !other.getKey().equals(key);
            if (unread) {
                close(other.getValue());
            }
            return unread;
        });
        var shared = files.computeIfAbsent(key, k -> new Shared());
        shared.users++;
        return shared;
    }

    /** One run needs the file no more. */
    synchronized void release(Object key) {
        var shared = files.get(key);
        if (shared != null) {
            shared.users--;
        }
    }

    private static void close(Shared shared) {
        if (shared.file != null) {
            shared.file.close();
        }
    }

    @Override
    public synchronized void close() {
        files.values().forEach(SharedPrefixes::close);
        files.clear();
    }
}
