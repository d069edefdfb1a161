package dev.espalier.tensor;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * The one rule of native memory: every native object belongs to the innermost scope that is open on the thread that
 * makes it, and is freed when that scope closes. What has to live longer is handed to the enclosing scope with
 * {@link #keep}, or to an {@link Owner}, which is closed by the object that holds it.
 *
 * <p>Scopes nest, are bound to their thread and are opened with try-with-resources: one per training step, and one
 * inside every operation that makes temporaries.
 *
 * <p>What an in-place or {@code _out} operation returns, and what a tuple or vector gives out, only refers to a tensor
 * that something else owns. Such a reference is refused here; {@code new Tensor(reference)} makes an owning handle.
 */
public final class Scope implements AutoCloseable {
    private final @Nullable PointerScope parent;
    private final PointerScope scope;
    private final @Nullable Profile profile;
    private final Profile.Part before;

    private Scope(@Nullable Profile profile, Profile.Part part) {
        parent = PointerScope.getInnerScope();
        scope = new PointerScope();
        this.profile = profile;
        before = profile == null ? part : profile.enter(part);
    }

    /** Opens a scope on this thread. */
    public static Scope open() {
        return new Scope(null, Profile.Part.OTHER);
    }

    /** Opens a scope on this thread; what happens until it closes counts for {@code part} where there is a profile. */
    static Scope open(@Nullable Profile profile, Profile.Part part) {
        return new Scope(profile, part);
    }

    /** Hands {@code pointer} to the enclosing scope; without one, the garbage collector owns it. */
    public <P extends Pointer> P keep(P pointer) {
        requireOwning(pointer);
        if (parent == null) {
            pointer.retainReference();
        } else {
            parent.attach(pointer);
        }
        return pointer;
    }

    static void requireOwning(Pointer pointer) {
        if (pointer.referenceCount() < 0) {
            throw new IllegalArgumentException(
                    "this handle does not own its native object: copy it with new Tensor(…)");
        }
    }

    /** Native objects that are alive in this process, for leak tests. */
    public static long liveObjects() {
        return Pointer.totalCount();
    }

    @Override
    public void close() {
        scope.close();
        if (profile != null) {
            profile.leave(before);
        }
    }
}
