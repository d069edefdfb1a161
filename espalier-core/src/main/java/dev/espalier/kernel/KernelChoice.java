package dev.espalier.kernel;

/** Chooses between kernels by shape alone, so that the same run always takes the same. */
@FunctionalInterface
public interface KernelChoice {
    /** The kernel for {@code shape}. */
    Kernel of(KernelShape shape);
}
