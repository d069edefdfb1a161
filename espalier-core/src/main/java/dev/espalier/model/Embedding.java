package dev.espalier.model;

import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** A table of vectors, by number. Named by its Hugging Face path. */
public final class Embedding {
    private final String name;
    private final Parameter weight;
    private final double scale;

    /**
     * @param weight {@code [count, features]}
     * @param scale what vectors are multiplied by
     */
    public Embedding(String name, Parameter weight, double scale) {
        this.name = name;
        this.weight = weight;
        this.scale = scale;
    }

    public String name() {
        return name;
    }

    /** {@code [count, features]}. */
    public Parameter weight() {
        return weight;
    }

    List<Parameter> parameters() {
        return List.of(weight);
    }

    /** Numbers {@code [tokens]} to {@code [tokens, features]}. */
    public Variable forward(long[] numbers, ForwardContext context) {
        var tape = context.tape();
        try (var scope = Scope.open()) {
            var indices = tape.save(torch.tensor(numbers));
            var y = torch.index_select(weight.value(), 0, indices);
            if (scale != 1) {
                y.mul_(new Scalar(scale));
            }
            return tape.record(scope, y, tape.trains(weight), dY -> deliver(dY, indices, tape));
        }
    }

    private void deliver(Tensor dY, Tensor indices, Tape tape) {
        var gradient = torch.embedding_dense_backward(dY, indices, weight.shape()[0], -1, false);
        if (scale != 1) {
            gradient.mul_(new Scalar(scale));
        }
        tape.deliver(weight, gradient);
    }
}
