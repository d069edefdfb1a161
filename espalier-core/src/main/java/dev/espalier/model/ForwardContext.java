package dev.espalier.model;

import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What all layers of one forward pass share: the tape, the batch's padding, whether it is training, where random draws
 * come from; and what they hand back: auxiliary losses and router observations.
 *
 * <p>Tokens of all rows lie in one matrix {@code [rows * tokens, features]}, row after row, padded on the right.
 */
public final class ForwardContext implements AutoCloseable {
    private final Tape tape;
    private final int rows;
    private final int tokens;
    private final int[] lengths;
    private final @Nullable Training training;
    private final List<RouterObservation> observations = new ArrayList<>();
    private double auxiliaryLoss;
    private @Nullable Tensor keyMask;
    private @Nullable Tensor tokenMask;

    /**
     * What only training has.
     *
     * @param random the step's stream; a layer derives its own by its name
     * @param sequences the identity of every row's example, which its draws depend on
     * @param sequencesInStep rows of all micro-batches of the optimizer step, which losses per sequence are divided by
     */
    public record Training(RandomStream random, long[] sequences, int sequencesInStep) {}

    private ForwardContext(Tape tape, int tokens, int[] lengths, @Nullable Training training) {
        for (int length : lengths) {
            if (length < 1 || length > tokens) {
                throw new IllegalArgumentException("a row has " + length + " of " + tokens + " tokens");
            }
        }
        this.tape = tape;
        this.rows = lengths.length;
        this.tokens = tokens;
        this.lengths = lengths.clone();
        this.training = training;
    }

    /**
     * A pass without dropout.
     *
     * @param tokens tokens of every row, padding included
     * @param lengths tokens of every row that are not padding, each at least 1
     */
    public static ForwardContext evaluation(Tape tape, int tokens, int[] lengths) {
        return new ForwardContext(tape, tokens, lengths, null);
    }

    /** A training pass, with dropout and capacity limits. */
    public static ForwardContext training(Tape tape, int tokens, int[] lengths, Training training) {
        return new ForwardContext(tape, tokens, lengths, training);
    }

    /** The same pass for layers after pooling: one token a row. The tape is shared; do not close both. */
    ForwardContext pooled() {
        var ones = new int[rows];
        Arrays.fill(ones, 1);
        return new ForwardContext(tape, 1, ones, training);
    }

    public Tape tape() {
        return tape;
    }

    public int rows() {
        return rows;
    }

    /** Tokens of every row, padding included. */
    public int tokens() {
        return tokens;
    }

    /** Tokens of row {@code row} that are not padding. */
    public int length(int row) {
        return lengths[row];
    }

    /** Tokens of every row that are not padding; a copy. */
    public int[] lengths() {
        return lengths.clone();
    }

    /** Whether no row is padded. */
    public boolean unpadded() {
        return Arrays.stream(lengths).allMatch(length -> length == tokens);
    }

    /** Null in evaluation. */
    public @Nullable Training training() {
        return training;
    }

    public boolean isTraining() {
        return training != null;
    }

    /**
     * The dropout mask of a layer: 0 with probability {@code p}, else 1, without the scale {@code 1 / (1 - p)}.
     *
     * @param name the layer's own name, which the draws depend on
     * @return {@code [rows * tokens, features]}, or null where nothing is dropped
     */
    public @Nullable Tensor dropoutMask(String name, double p, int features, ScalarType dtype) {
        if (training == null || p <= 0) {
            return null;
        }
        return training.random().at(name).keepMask(p, training.sequences(), lengths, tokens, features, dtype);
    }

    /** 1 for a token, 0 for padding: {@code [rows, tokens]}, fp32; shared by the pass. */
    public Tensor tokenMask() {
        if (tokenMask == null) {
            try (var scope = Scope.open()) {
                var values = new float[rows * tokens];
                for (int row = 0; row < rows; row++) {
                    Arrays.fill(values, row * tokens, row * tokens + lengths[row], 1f);
                }
                tokenMask = share(torch.tensor(values).view(rows, tokens));
            }
        }
        return tokenMask;
    }

    /** What to add to attention scores so that padded keys get no weight: {@code [rows, tokens]}; null if unpadded. */
    @Nullable Tensor keyMask(ScalarType dtype) {
        if (unpadded()) {
            return null;
        }
        if (keyMask == null) {
            try (var scope = Scope.open()) {
                keyMask = share(torch.mul(torch.sub(tokenMask(), new Scalar(1)), new Scalar(1e30))
                        .to(dtype));
            }
        }
        return keyMask;
    }

    private static Tensor share(Tensor tensor) {
        tensor.retainReference();
        return tensor;
    }

    /** Adds an auxiliary loss that the operation's own backward pass accounts for; already weighted. */
    public void addAuxiliaryLoss(double loss) {
        auxiliaryLoss += loss;
    }

    /** The sum of the auxiliary losses of this pass. */
    public double auxiliaryLoss() {
        return auxiliaryLoss;
    }

    /** Notes what a router did. */
    public void observe(RouterObservation observation) {
        observations.add(observation);
    }

    /** What the routers of this pass did, in forward order. */
    public List<RouterObservation> observations() {
        return List.copyOf(observations);
    }

    /** Frees the shared masks and the tape. */
    @Override
    public void close() {
        if (tokenMask != null) {
            tokenMask.releaseReference();
            tokenMask = null;
        }
        if (keyMask != null) {
            keyMask.releaseReference();
            keyMask = null;
        }
        tape.close();
    }
}
