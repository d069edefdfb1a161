package dev.espalier.tensor;

import static org.bytedeco.pytorch.global.torch.get_num_threads;
import static org.bytedeco.pytorch.global.torch.set_num_threads;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The one place that device, dtypes and native threads come from. Loading this class loads libtorch; OpenBLAS is kept
 * to one thread of its own, because its pool and OpenMP's fight for the same cores.
 */
public final class Engine {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final int THREADS;

    /** Threads of the calling thread's operations outside of {@link #alone}. */
    private static final ThreadLocal<Integer> GIVEN = ThreadLocal.withInitial(Engine::threadsHere);

    static {
        torch.getNumGPUs(); // loads the natives, OpenBLAS among them
        openblas_nolapack.blas_set_num_threads(1);
        THREADS = get_num_threads();
    }

    private Engine() {}

    /** Loads the native libraries; call it on the main thread before others use tensors. */
    public static void load() {
        // The static initialiser has done it.
    }

    /** Threads that libtorch uses for one operation unless told otherwise: the cores it was given. */
    public static int threads() {
        return THREADS;
    }

    /**
     * Binds the calling thread: native operations on it use {@code threads} OpenMP threads, and nothing is recorded
     * for libtorch's autograd unless {@link Tape#autograd} asks for it.
     */
    public static NoGradGuard enter(int threads) {
        threads(threads);
        return new NoGradGuard();
    }

    /** Sets how many OpenMP threads native operations on the calling thread use. */
    public static void threads(int threads) {
        GIVEN.set(threads);
        set_num_threads(threads);
    }

    /**
     * Runs operations on the calling thread alone until the result is closed, but for those {@link #together}. Threads
     * take some 40 microseconds to begin and end an operation together: more than most operations on a few tokens.
     */
    public static Alone alone() {
        var alone = new Alone(threadsHere());
        set_num_threads(1);
        return alone;
    }

    /** Runs an operation that is large enough for all threads that the calling thread was given. */
    public static <T> T together(Supplier<T> operation) {
        int here = threadsHere();
        int given = GIVEN.get();
        if (here >= given) {
            return operation.get();
        }
        set_num_threads(given);
        try {
            return operation.get();
        } finally {
            set_num_threads(here);
        }
    }

    /** Operations run on one thread until this is closed, on the thread that made it. */
    public static final class Alone implements AutoCloseable {
        private final int before;

        private Alone(int before) {
            this.before = before;
        }

        @Override
        public void close() {
            set_num_threads(before);
        }
    }

    /** How many OpenMP threads native operations on the calling thread use. */
    public static int threadsHere() {
        return get_num_threads();
    }

    /** Options for a new tensor of {@code dtype} on the device that everything runs on. */
    public static TensorOptions options(ScalarType dtype) {
        return new TensorOptions(dtype).device(new org.bytedeco.pytorch.DeviceOptional(device()));
    }

    /** The device that everything runs on: the CPU. Never run on a GPU so far. */
    public static Device device() {
        return new Device(torch.DeviceType.CPU);
    }

    /** The name of that device in tables of measurements. */
    public static String deviceName() {
        return "cpu";
    }

    /**
     * Whether this CPU multiplies bf16 matrices in hardware (AMX or AVX-512 BF16), so that bf16 is faster than fp32.
     * Read from the operating system on Linux; elsewhere the answer is no.
     */
    public static boolean multipliesBf16() {
        try (var lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("flags"))
                    .anyMatch(line -> line.contains(" amx_bf16") || line.contains(" avx512_bf16"));
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    /** The dtype that frozen weights train in unless told otherwise: bf16 where the CPU multiplies it, else fp32. */
    public static String usualDtype() {
        return multipliesBf16() ? "bf16" : "fp32";
    }

    /** The dtype that a recipe names: {@code fp32} or {@code bf16}. */
    public static ScalarType dtype(String name) {
        return switch (name) {
            case "fp32" -> ScalarType.Float;
            case "bf16" -> ScalarType.BFloat16;
            default ->
                throw new InputException("Unknown dtype '" + name + "'. Did you mean '"
                        + Nearest.to(name, List.of("fp32", "bf16"), 1).get(0) + "'?");
        };
    }

    /** The dtype of {@code tensor} as the constant itself: what the native call gives is another object. */
    public static ScalarType dtype(Tensor tensor) {
        return tensor.scalar_type().intern();
    }

    /** The name that recipes and reports use for {@code dtype}. */
    public static String name(ScalarType dtype) {
        return switch (dtype) {
            case Float -> "fp32";
            case BFloat16 -> "bf16";
            case Half -> "fp16";
            case Double -> "fp64";
            default -> dtype.name().toLowerCase(java.util.Locale.ROOT);
        };
    }
}
