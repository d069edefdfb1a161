package dev.espalier;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.Objects;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** Runs each test of a class on the engine, with one thread, in a scope of its own. */
public final class OnEngine implements BeforeEachCallback, AfterEachCallback {
    private static final Namespace NAMESPACE = Namespace.create(OnEngine.class);

    private record Open(NoGradGuard guard, Scope scope) {}

    @Override
    public void beforeEach(ExtensionContext context) {
        context.getStore(NAMESPACE).put(Open.class, new Open(Engine.enter(1), Scope.open()));
    }

    @Override
    public void afterEach(ExtensionContext context) {
        var open = Objects.requireNonNull(context.getStore(NAMESPACE).remove(Open.class, Open.class));
        open.scope.close();
        open.guard.close();
    }
}
