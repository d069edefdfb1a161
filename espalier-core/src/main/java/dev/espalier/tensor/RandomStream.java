package dev.espalier.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
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
        var mask = new Mask(p, (long) layout.rows() * layout.tokens(), features);
        for (int i = 0; i < sequences.length; i++) {
            var segment = layout.segments().get(i);
            long base = sequence(sequences[i]);
            for (int token = 0; token < segment.length(); token++) {
                mask.draw((layout.first(segment) + token) * features, features, at(base, token));
            }
        }
        return mask.tensor(dtype);
    }

    /**
     * Numbers from 0, included, to 1, excluded, to 24 bits. Padding has 0.
     *
     * @param sequences the identity of every segment's sequence
     * @param features numbers a token
     * @return {@code [rows * tokens, features]}
     */
    public float[] uniform(long[] sequences, Layout layout, int features) {
        var values = new float[layout.rows() * layout.tokens() * features];
        for (int i = 0; i < sequences.length; i++) {
            var segment = layout.segments().get(i);
            long base = sequence(sequences[i]);
            for (int token = 0; token < segment.length(); token++) {
                long counter = at(base, token);
                int start = (layout.first(segment) + token) * features;
                for (int feature = 0; feature < features; feature++, counter += GOLDEN) {
                    values[start + feature] = (mix(counter) >>> 40) * 0x1.0p-24f;
                }
            }
        }
        return values;
    }

    /**
     * A mask of a matrix that is 0 with probability {@code p} (to 1/65536) and 1 elsewhere, not scaled; each row from a
     * stream of its own.
     *
     * @return {@code [rows, columns]}
     */
    public Tensor keepMask(double p, int rows, int columns, ScalarType dtype) {
        var mask = new Mask(p, rows, columns);
        for (int row = 0; row < rows; row++) {
            mask.draw(row * columns, columns, at(key, row));
        }
        return mask.tensor(dtype);
    }

    /**
     * Numbers from 0, included, to 1, excluded, to 24 bits; each row from a stream of its own.
     *
     * @return {@code [rows, columns]}, fp32
     */
    public Tensor uniform(int rows, int columns) {
        var values = torch.empty(new long[] {rows, columns}, Engine.options(ScalarType.Float), null);
        var memory = new FloatPointer(values.data_ptr()).capacity((long) rows * columns);
        var row = new float[columns];
        for (int i = 0; i < rows; i++) {
            long counter = at(key, i);
            for (int column = 0; column < columns; column++, counter += GOLDEN) {
                row[column] = (mix(counter) >>> 40) * 0x1.0p-24f;
            }
            memory.position((long) i * columns).put(row);
        }
        return values;
    }

    /**
     * A mask for attention probabilities, as {@link #keepMask}.
     *
     * @param queries of every row, its first tokens
     * @return {@code [rows * heads, queries, tokens]}
     */
    public Tensor attentionKeepMask(
            double p, long[] sequences, Layout layout, int queries, int heads, ScalarType dtype) {
        int tokens = layout.tokens();
        var mask = new Mask(p, (long) layout.rows() * heads, queries, tokens);
        for (int i = 0; i < sequences.length; i++) {
            var segment = layout.segments().get(i);
            for (int head = 0; head < heads; head++) {
                long base = at(sequence(sequences[i]), head);
                int end = Math.min(queries, segment.start() + segment.length());
                for (int query = segment.start(); query < end; query++) {
                    int start = ((segment.row() * heads + head) * queries + query) * tokens + segment.start();
                    mask.draw(start, segment.length(), at(base, query - segment.start()));
                }
            }
        }
        return mask.tensor(dtype);
    }

    private long sequence(long identity) {
        return mix(key ^ mix(identity + GOLDEN));
    }

    private static long at(long base, int position) {
        return mix(base + (position + 1) * GOLDEN);
    }

    /** A mask in native memory, written as the bits of four bf16 numbers at a time, all drawn from one counter. */
    private static final class Mask {
        private static final long ONE = 0x3F80;
        private static final long EVEN = 0x0000FFFF_0000FFFFL;
        private static final long CARRY = 0x00000001_00000001L;
        private final Tensor values;
        private final ByteBuffer memory;
        private final long complement;

        Mask(double p, long... shape) {
            values = torch.ones(shape, Engine.options(ScalarType.BFloat16));
            memory = new BytePointer(values.data_ptr())
                    .capacity(Math.toIntExact(2 * values.numel()))
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            // Carries into bit 16 exactly where 16 bits are not below p.
            complement = (0x10000 - Math.round(p * 0x10000)) * CARRY;
        }

        void draw(int start, int count, long base) {
            int whole = count & ~3;
            long counter = base;
            for (int i = 0; i < whole; i += 4, counter += GOLDEN) {
                memory.putLong(2 * (start + i), four(counter));
            }
            if (whole < count) {
                long rest = four(counter);
                for (int i = whole; i < count; i++, rest >>>= 16) {
                    memory.putShort(2 * (start + i), (short) rest);
                }
            }
        }

        private long four(long counter) {
            long bits = mix(counter);
            long even = ((bits & EVEN) + complement) >>> 16 & CARRY;
            long odd = ((bits >>> 16 & EVEN) + complement) >>> 16 & CARRY;
            return (even | odd << 16) * ONE;
        }

        Tensor tensor(ScalarType dtype) {
            return dtype == ScalarType.BFloat16 ? values : values.to(dtype);
        }
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
