package dev.espalier.model;

import dev.espalier.tensor.Layout;
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
 * <p>Tokens of all rows lie in one matrix {@code [rows * tokens, features]}, row after row.
 */
public final class ForwardContext implements AutoCloseable {
    private final Tape tape;
    private final Layout layout;
    private final @Nullable Training training;
    private final List<RouterObservation> observations = new ArrayList<>();
    private double auxiliaryLoss;
    private @Nullable Tensor keyMask;
    private @Nullable Tensor tokenMask;

    /**
     * What only training has.
     *
     * @param random the step's stream; a layer derives its own by its name
     * @param sequences the identity of every segment's example, which its draws depend on
     * @param sequencesInStep segments of all micro-batches of the optimizer step, which losses per sequence are divided by
     */
    public record Training(RandomStream random, long[] sequences, int sequencesInStep) {}

    private ForwardContext(Tape tape, Layout layout, @Nullable Training training) {
        this.tape = tape;
        this.layout = layout;
        this.training = training;
    }

    /** A pass without dropout. */
    public static ForwardContext evaluation(Tape tape, Layout layout) {
        return new ForwardContext(tape, layout, null);
    }

    /** A training pass, with dropout and capacity limits. */
    public static ForwardContext training(Tape tape, Layout layout, Training training) {
        return new ForwardContext(tape, layout, training);
    }

    /** The same pass for layers after pooling: one token a row. The tape is shared; do not close both. */
    ForwardContext pooled() {
        var ones = new int[rows()];
        Arrays.fill(ones, 1);
        return new ForwardContext(tape, Layout.rightPadded(1, ones), training);
    }

    public Tape tape() {
        return tape;
    }

    /** Where the sequences lie. */
    public Layout layout() {
        return layout;
    }

    public int rows() {
        return layout.rows();
    }

    /** Tokens of every row, padding included. */
    public int tokens() {
        return layout.tokens();
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
        return training.random().at(name).keepMask(p, training.sequences(), layout, features, dtype);
    }

    /** 1 for a token, 0 for padding: {@code [rows, tokens]}, fp32; shared by the pass. */
    public Tensor tokenMask() {
        if (tokenMask == null) {
            try (var scope = Scope.open()) {
                var values = new float[rows() * tokens()];
                for (var segment : layout.segments()) {
                    int first = layout.first(segment);
                    Arrays.fill(values, first, first + segment.length(), 1f);
                }
                tokenMask = share(torch.tensor(values).view(rows(), tokens()));
            }
        }
        return tokenMask;
    }

    /** What to add to attention scores so that padded keys get no weight: {@code [rows, tokens]}; null if unpadded. */
    @Nullable Tensor keyMask(ScalarType dtype) {
        if (layout.unpadded()) {
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
