package dev.espalier.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How a sequence becomes one vector before the classifier. */
public enum Pooling {
    /** As the family does it: the first token through a dense layer and tanh. */
    @JsonProperty("default")
    DEFAULT,

    /** The first token as it is. */
    @JsonProperty("cls")
    CLS,

    /** The mean over the tokens that are not padding. */
    @JsonProperty("mean")
    MEAN;

    /**
     * One vector for each row.
     *
     * @param hidden {@code [rows * tokens, hidden]}, of a row for each sequence
     * @return fp32, {@code [rows, hidden]}
     */
    Tensor pool(Tensor hidden, ForwardContext context) {
        if (!context.layout().unpacked()) {
            throw new IllegalArgumentException("a label for a sequence needs a row for each");
        }
        var perRow = hidden.view(context.rows(), context.tokens(), -1);
        if (this != MEAN) {
            return perRow.select(1, 0).to(ScalarType.Float);
        }
        var mask = context.tokenMask().unsqueeze(2);
        return perRow.to(ScalarType.Float).mul(mask).sum(1).div(mask.sum(1));
    }
}
