package dev.espalier.cli;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.utils.Signals;

/** The first interrupt (Ctrl-C) asks the work to stop and to save what it has; the second ends the process at once. */
final class Interrupts implements AutoCloseable {
    /** What shells report for a process that an interrupt ended. */
    static final int EXIT_CODE = 130;

    private static final String INTERRUPT = "INT";

    private final AtomicBoolean asked = new AtomicBoolean();
    private final Object former;

    /**
     * @param stop asks the work to stop; called on another thread
     * @param err where the user is told
     */
    Interrupts(Runnable stop, PrintWriter err) {
        former = Signals.register(INTERRUPT, () -> {
            if (asked.getAndSet(true)) {
                // Not exit: its hooks might wait for the very work that is stuck.
                Runtime.getRuntime().halt(EXIT_CODE);
            }
            err.println();
            err.println("Stopping after this step; the state is saved. Interrupt again to stop at once and lose it.");
            err.flush();
            stop.run();
        });
    }

    /** Interrupts end the process again. */
    @Override
    public void close() {
        Signals.unregister(INTERRUPT, former);
    }
}
