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
    private static final long FIRST = 0xBF58476D1CE4E5B9L;
    private static final long SECOND = 0x94D049BB133111EBL;
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
        var mask = new Mask(p, layout.filled(), (long) layout.rows() * layout.tokens(), features);
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
        var mask = new Mask(p, true, rows, columns);
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
        var mask = new Mask(p, layout.unpadded(), (long) layout.rows() * heads, queries, tokens);
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

        /** Counters that are mixed at a time. */
        private static final int LANES = 256;

        /** Numbers of a token from which on that pays. */
        private static final int FEW = 64;

        /** How far each of them lies from the first. */
        private static final long[] AHEAD = ahead();

        private final Tensor values;
        private final ByteBuffer memory;
        private final long complement;
        private final long[] lanes = new long[LANES];

        /** @param drawn whether every number will be drawn; else those that are not are 1 */
        Mask(double p, boolean drawn, long... shape) {
            var options = Engine.options(ScalarType.BFloat16);
            values = drawn ? torch.empty(shape, options, null) : torch.ones(shape, options);
            memory = new BytePointer(values.data_ptr())
                    .capacity(Math.toIntExact(2 * values.numel()))
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            // Carries into bit 16 exactly where 16 bits are not below p.
            complement = (0x10000 - Math.round(p * 0x10000)) * CARRY;
        }

        private static long[] ahead() {
            var steps = new long[LANES];
            for (int i = 0; i < LANES; i++) {
                steps[i] = i * GOLDEN;
            }
            return steps;
        }

        void draw(int start, int count, long base) {
            if (count < FEW) {
                drawFew(start, count, base);
                return;
            }
            for (int done = 0; done < count; done += 4 * LANES) {
                int part = Math.min(4 * LANES, count - done);
                int whole = part / 4;
                fours(base + done / 4 * GOLDEN, (part + 3) / 4);
                memory.position(2 * (start + done));
                memory.asLongBuffer().put(lanes, 0, whole);
                putRest(start + done + 4 * whole, part - 4 * whole, lanes[Math.min(whole, LANES - 1)]);
            }
        }

        private void drawFew(int start, int count, long base) {
            int whole = count & ~3;
            long counter = base;
            for (int i = 0; i < whole; i += 4, counter += GOLDEN) {
                memory.putLong(2 * (start + i), four(counter));
            }
            putRest(start + whole, count - whole, whole < count ? four(counter) : 0);
        }

        private void putRest(int start, int count, long four) {
            for (int i = 0; i < count; i++) {
                memory.putShort(2 * (start + i), (short) (four >>> 16 * i));
            }
        }

        private long four(long counter) {
            long bits = mix(counter);
            long even = ((bits & EVEN) + complement) >>> 16 & CARRY;
            long odd = ((bits >>> 16 & EVEN) + complement) & CARRY << 16;
            return (even | odd) * ONE;
        }

        /** {@link #four} of {@code count} counters, in loops so short that compilers make vectors of them. */
        private void fours(long counter, int count) {
            var z = lanes;
            for (int i = 0; i < count; i++) {
                long at = counter + AHEAD[i];
                z[i] = (at ^ (at >>> 30)) * FIRST;
            }
            for (int i = 0; i < count; i++) {
                z[i] = (z[i] ^ (z[i] >>> 27)) * SECOND;
            }
            for (int i = 0; i < count; i++) {
                z[i] ^= z[i] >>> 31;
            }
            long carries = complement;
            for (int i = 0; i < count; i++) {
                long even = ((z[i] & EVEN) + carries) >>> 16 & CARRY;
                long odd = ((z[i] >>> 16 & EVEN) + carries) & CARRY << 16;
                z[i] = even | odd;
            }
            for (int i = 0; i < count; i++) {
                z[i] *= ONE;
            }
        }

        Tensor tensor(ScalarType dtype) {
            return dtype == ScalarType.BFloat16 ? values : values.to(dtype);
        }
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * FIRST;
        z = (z ^ (z >>> 27)) * SECOND;
        return z ^ (z >>> 31);
    }
}
