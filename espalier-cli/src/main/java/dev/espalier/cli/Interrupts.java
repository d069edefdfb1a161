package dev.espalier.cli;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.utils.Signals;

/** The first interrupt (Ctrl-C) asks the work to stop; the second ends the process at once. */
final class Interrupts implements AutoCloseable {
    /** What shells report for a process that an interrupt ended. */
    static final int EXIT_CODE = 130;

    /** What shells report for a process that was told to terminate. */
    private static final int TERMINATED = 143;

    private static final String INTERRUPT = "INT";

    private final AtomicBoolean asked = new AtomicBoolean();
    private final Object former;

    /** @param stop asks the work to stop; called on another thread */
    Interrupts(Runnable stop) {
        former = Signals.register(INTERRUPT, () -> {
            if (asked.getAndSet(true)) {
                // Not exit: its hooks might wait for the very work that is stuck.
                Runtime.getRuntime().halt(EXIT_CODE);
            }
            stop.run();
        });
    }

    /**
     * Lets interrupts and the signal to terminate end the process at once where no command asks for them. Not by an exit: it
     * takes libraries down while other threads still compute with them, which crashes.
     */
    static void endAtOnce() {
        Signals.register(INTERRUPT, () -> Runtime.getRuntime().halt(EXIT_CODE));
        Signals.register("TERM", () -> Runtime.getRuntime().halt(TERMINATED));
    }

    /** Interrupts end the process again. */
    @Override
    public void close() {
        Signals.unregister(INTERRUPT, former);
    }
}
