package dev.espalier.tensor;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Counter-based random numbers: a draw is a pure function of (seed, step, stream, sequence, position), so it depends
 * neither on padding nor on how a batch is split among workers. The mixer is SplitMix64's finaliser.
 */
public final class RandomStream {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private final long key;

    private RandomStream(long key) {
        this.key = key;
    }

    /** The stream of {@code seed}. */
    public static RandomStream of(long seed) {
        return new RandomStream(mix(seed + GOLDEN));
    }

    /** An independent stream for {@code number}, such as a step. */
    public RandomStream at(long number) {
        return new RandomStream(mix(key ^ mix(number + GOLDEN)));
    }

    /** An independent stream for {@code name}, such as a module's path. */
    public RandomStream at(String name) {
        long hash = 1125899906842597L;
        for (int i = 0; i < name.length(); i++) {
            hash = 31 * hash + name.charAt(i);
        }
        return at(hash);
    }

    /** A seed for another generator. */
    public long seed() {
        return key;
    }

    /** A number from 0, included, to 1, excluded, that this stream always gives: 53 bits of its key. */
    public double uniform() {
        return (key >>> 11) * 0x1.0p-53;
    }

    /**
     * A mask that is 0 with probability {@code p} (to 1/65536) and 1 elsewhere, not scaled. Padding is 1.
     *
     * @param sequences the identity of every segment's sequence
     * @param features numbers a token
     * @return {@code [rows * tokens, features]}
     */
    public Tensor keepMask(double p, long[] sequences, Layout layout, int features, ScalarType dtype) {
        int count = layout.rows() * layout.tokens();
        var mask = new Mask(p, count, features, dtype);
        for (int i = 0; i < sequences.length; i++) {
            var segment = layout.segments().get(i);
            long base = sequence(sequences[i]);
            for (int token = 0; token < segment.length(); token++) {
                mask.draw((layout.first(segment) + token) * features, features, at(base, token));
            }
        }
        return mask.tensor(count, features);
    }

    /**
     * A mask for attention probabilities, as {@link #keepMask}.
     *
     * @return {@code [rows * heads, tokens, tokens]}, queries before keys
     */
    public Tensor attentionKeepMask(double p, long[] sequences, Layout layout, int heads, ScalarType dtype) {
        int tokens = layout.tokens();
        var mask = new Mask(p, layout.rows() * heads, tokens * tokens, dtype);
        for (int i = 0; i < sequences.length; i++) {
            var segment = layout.segments().get(i);
            for (int head = 0; head < heads; head++) {
                long base = at(sequence(sequences[i]), head);
                for (int query = segment.start(); query < segment.start() + segment.length(); query++) {
                    int start = ((segment.row() * heads + head) * tokens + query) * tokens + segment.start();
                    mask.draw(start, segment.length(), at(base, query - segment.start()));
                }
            }
        }
        return mask.tensor((long) layout.rows() * heads, tokens, tokens);
    }

    private long sequence(long identity) {
        return mix(key ^ mix(identity + GOLDEN));
    }

    private static long at(long base, int position) {
        return mix(base + (position + 1) * GOLDEN);
    }

    /** Fills 0 and 1 in the dtype's own bits, four draws of 16 bits from one mixed counter. */
    private static final class Mask {
        private static final short BF16_ONE = 0x3F80;
        private final ScalarType dtype;
        private final int threshold;
        private final short[] halves;
        private final float[] floats;

        Mask(double p, int count, int features, ScalarType dtype) {
            int size = Math.multiplyExact(count, features);
            this.dtype = dtype == ScalarType.BFloat16 ? dtype : ScalarType.Float;
            threshold = (int) Math.round(p * 65536);
            boolean half = this.dtype == ScalarType.BFloat16;
            halves = new short[half ? size : 0];
            floats = new float[half ? 0 : size];
            Arrays.fill(halves, BF16_ONE);
            Arrays.fill(floats, 1f);
        }

        void draw(int start, int count, long base) {
            for (int i = 0; i < count; i += 4) {
                long bits = mix(base + (i >>> 2) * GOLDEN);
                int end = Math.min(i + 4, count);
                for (int j = start + i; j < start + end; j++, bits >>>= 16) {
                    if ((bits & 0xFFFF) < threshold) {
                        zero(j);
                    }
                }
            }
        }

        private void zero(int index) {
            if (halves.length > 0) {
                halves[index] = 0;
            } else {
                floats[index] = 0f;
            }
        }

        Tensor tensor(long... shape) {
            var mask = torch.empty(shape, Engine.options(dtype), null);
            if (halves.length > 0) {
                new ShortPointer(mask.data_ptr()).put(halves);
            } else {
                new FloatPointer(mask.data_ptr()).put(floats);
            }
            return mask;
        }
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
