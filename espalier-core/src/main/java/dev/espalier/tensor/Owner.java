package dev.espalier.tensor;

import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.javacpp.Pointer;

/**
 * Holds native objects that outlive scopes (weights, optimizer state) until it is closed. The object whose field an
 * owner is closes it; see {@link Scope} for the rule.
 */
public final class Owner implements AutoCloseable {
    private final Deque<Pointer> owned = new ArrayDeque<>();

    /** Takes {@code pointer} over: it lives until this owner closes, whatever scope it was made in. */
    public synchronized <P extends Pointer> P own(P pointer) {
        Scope.requireOwning(pointer);
        pointer.retainReference();
        owned.push(pointer);
        return pointer;
    }

    /** Frees {@code pointer} before the rest. */
    public synchronized void free(Pointer pointer) {
        if (owned.removeIf(other -> other == pointer)) {
            pointer.releaseReference();
        }
    }

    @Override
    public synchronized void close() {
        while (!owned.isEmpty()) {
            owned.pop().releaseReference();
        }
    }
}
