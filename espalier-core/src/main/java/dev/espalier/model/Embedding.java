package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A table of vectors, by number, and whatever deltas are attached. Named by its Hugging Face path. */
public final class Embedding implements Adaptable<EmbeddingDelta>, Copyable {
    private final String name;
    private final Parameter weight;
    private final double scale;
    private final ByAdapter<EmbeddingDelta> deltas = new ByAdapter<>();
    private final Copies<Embedding> copies = new Copies<>();

    /**
     * @param weight {@code [count, features]}
     * @param scale what vectors are multiplied by
     */
    public Embedding(String name, Parameter weight, double scale) {
        this.name = name;
        this.weight = weight;
        this.scale = scale;
    }

    @Override
    public String name() {
        return name;
    }

    /** {@code [count, features]}. */
    public Parameter weight() {
        return weight;
    }

    @Override
    public List<Integer> shape() {
        return List.of((int) weight.shape()[0], (int) weight.shape()[1]);
    }

    @Override
    public void attach(String adapter, EmbeddingDelta delta) {
        deltas.attach(adapter, delta);
    }

    @Override
    public void detach(String adapter) {
        deltas.detach(adapter);
    }

    @Override
    public Map<String, EmbeddingDelta> deltas() {
        return deltas.values();
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public void attachCopy(String adapter, List<Parameter> parameters, Owner owner) {
        copies.attach(adapter, new Embedding(name, parameters.get(0), scale));
    }

    @Override
    public void detachCopy(String adapter) {
        copies.detach(adapter);
    }

    @Override
    public Set<String> copies() {
        return copies.names();
    }

    /** Whether a delta or a trained copy is attached, or the table itself is to train. */
    boolean trains() {
        return !deltas().isEmpty() || !copies.isEmpty() || weight.trainable();
    }

    /** Numbers {@code [tokens]} to {@code [tokens, features]}. */
    public Variable forward(long[] numbers, ForwardContext context) {
        var dtype = Engine.dtype(weight.value());
        return copies.run(this, context, table -> table.own(numbers, dtype, context));
    }

    private Variable own(long[] numbers, ScalarType dtype, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.EMBEDDING)) {
            var indices = tape.save(torch.tensor(numbers));
            var y = torch.index_select(weight.value(), 0, indices).to(dtype);
            var backwards = tape.in(Part.ADAPTER, () -> backwards(indices, y, context));
            if (scale != 1) {
                y.mul_(new Scalar(scale));
            }
            boolean requiresGrad = tape.trains(weight) || !backwards.isEmpty();
            return tape.record(scope, y, requiresGrad, dY -> backward(dY, indices, backwards, tape));
        }
    }

    /** The deltas' backward passes, the last delta's first. */
    private Deque<Delta.Backward> backwards(Tensor indices, Tensor y, ForwardContext context) {
        Deque<Delta.Backward> backwards = new ArrayDeque<>();
        for (var attached : deltas().entrySet()) {
            var backward = apply(attached.getKey(), attached.getValue(), indices, y, context);
            if (backward != null) {
                backwards.push(backward);
            }
        }
        return backwards;
    }

    private static Delta.@Nullable Backward apply(
            String adapter, EmbeddingDelta delta, Tensor indices, Tensor y, ForwardContext context) {
        if (context.selects(adapter)) {
            return delta.forward(indices, y, context);
        }
        var tokens = context.selected(adapter);
        return tokens == null ? null : tokens.apply(delta, indices, y);
    }

    private void backward(Tensor dOut, Tensor indices, Deque<Delta.Backward> deltas, Tape tape) {
        var dScaled = scale == 1 ? dOut : dOut.mul(new Scalar(scale));
        var dY = tape.in(Part.ADAPTER, () -> {
            var dSum = dScaled;
            for (var delta : deltas) {
                dSum = delta.run(dSum);
            }
            return dSum;
        });
        if (tape.trains(weight)) {
            tape.deliver(weight, torch.embedding_dense_backward(dY, indices, weight.shape()[0], -1, false));
        }
    }
}
