package dev.espalier.merge;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What the {@code k} largest magnitudes of some numbers are: all above {@code value}, and of those equal to it the first
 * {@code chosen}, so that a tie does not select more than {@code k}.
 *
 * @param value magnitude of the {@code k}-th largest; infinite for none
 * @param chosen how many of those equal to it are among the {@code k}
 * @param equal how many are equal to it
 */
record Threshold(float value, long chosen, long equal) {
    /** Nothing. */
    static final Threshold NONE = new Threshold(Float.POSITIVE_INFINITY, 0, 0);

    boolean isNone() {
        return value == Float.POSITIVE_INFINITY;
    }

    /** {@code values} with zeros for all that are not chosen; of the caller's scope. */
    Tensor keep(Tensor values) {
        if (value == 0) {
            return values; // What is not above it is 0 already.
        }
        if (chosen == equal) {
            return torch.hardshrink(values, new Scalar((double) Math.nextDown(value)));
        }
        var kept = torch.hardshrink(values, new Scalar((double) value)).contiguous();
        if (chosen > 0) {
            var flat = values.reshape(-1);
            var places = torch.nonzero(equals(flat)).view(-1).narrow(0, 0, chosen);
            kept.view(-1).index_copy_(0, places, torch.index_select(flat, 0, places));
        }
        return kept;
    }

    /** How many of {@code values} have the threshold's magnitude. */
    long equalIn(Tensor values) {
        return equals(values).sum().item_long();
    }

    private Tensor equals(Tensor values) {
        return values.abs().eq(new Scalar((double) value));
    }
}
