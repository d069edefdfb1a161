package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** {@code y = x Wᵀ + b}, and whatever deltas are attached. Named by its Hugging Face path. */
public final class Linear implements Adaptable<LinearDelta>, Copyable {
    private final String name;
    private final Parameter weight;
    private final @Nullable Parameter bias;
    private final boolean storedTransposed;
    private final Tensor matrix;
    private final ByAdapter<LinearDelta> deltas = new ByAdapter<>();
    private final Copies<Linear> copies = new Copies<>();

    /**
     * @param name the module's path, such as {@code encoder.layer.0.attention.self.query}
     * @param weight {@code [out, in]}
     * @param bias {@code [out]}, of the weight's dtype
     */
    public Linear(String name, Parameter weight, @Nullable Parameter bias) {
        this(name, weight, bias, false, weight.value());
    }

    private Linear(String name, Parameter weight, @Nullable Parameter bias, boolean storedTransposed, Tensor matrix) {
        this.name = name;
        this.weight = weight;
        this.bias = bias;
        this.storedTransposed = storedTransposed;
        this.matrix = matrix;
    }

    /**
     * A linear whose weight is stored {@code [in, out]}, as GPT-2's {@code Conv1D} is.
     *
     * @param matrix a view {@code [out, in]} of the weight, which lives as long
     */
    static Linear storedTransposed(String name, Parameter weight, @Nullable Parameter bias, Tensor matrix) {
        return new Linear(name, weight, bias, true, matrix);
    }

    @Override
    public String name() {
        return name;
    }

    public int inFeatures() {
        return (int) matrix.size(1);
    }

    public int outFeatures() {
        return (int) matrix.size(0);
    }

    /** The weight as it is stored; see {@link #isStoredTransposed}. */
    public Parameter weight() {
        return weight;
    }

    /** Whether the weight is stored {@code [in, out]}, which PEFT calls {@code fan_in_fan_out}. */
    public boolean isStoredTransposed() {
        return storedTransposed;
    }

    /** The weight as {@code [out, in]}: itself or a view. */
    public Tensor matrix() {
        return matrix;
    }

    public @Nullable Parameter bias() {
        return bias;
    }

    /** The weight, and the bias where there is one. */
    @Override
    public List<Parameter> parameters() {
        return bias == null ? List.of(weight) : List.of(weight, bias);
    }

    @Override
    public List<Integer> shape() {
        return List.of(outFeatures(), inFeatures());
    }

    @Override
    public void attach(String adapter, LinearDelta delta) {
        deltas.attach(adapter, delta);
    }

    @Override
    public void detach(String adapter) {
        deltas.detach(adapter);
    }

    @Override
    public Map<String, LinearDelta> deltas() {
        return deltas.values();
    }

    @Override
    public void attachCopy(String adapter, List<Parameter> parameters, Owner owner) {
        var ofWeight = parameters.get(0);
        var ofBias = parameters.size() > 1 ? parameters.get(1) : null;
        try (var scope = Scope.open()) {
            var view = storedTransposed ? owner.own(ofWeight.value().t()) : ofWeight.value();
            copies.attach(adapter, new Linear(name, ofWeight, ofBias, storedTransposed, view));
        }
    }

    @Override
    public void detachCopy(String adapter) {
        copies.detach(adapter);
    }

    @Override
    public Set<String> copies() {
        return copies.names();
    }

    /** Whether a delta or a trained copy is attached, or the linear itself is to train. */
    boolean trains() {
        return !deltas().isEmpty() || !copies.isEmpty() || parameters().stream().anyMatch(Parameter::trainable);
    }

    /** Whether what a token becomes depends on that token alone: no attached delta looks at others. */
    boolean tokenwise() {
        return deltas().values().stream().allMatch(LinearDelta::tokenwise);
    }

    /** {@code [tokens, in]} to {@code [tokens, out]}, in the weight's dtype. */
    public Variable forward(Variable x, ForwardContext context) {
        return copies.run(this, context, linear -> linear.own(x, context));
    }

    private Variable own(Variable input, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.LINEAR)) {
            var x = deltas().isEmpty() ? input : tape.in(Part.ADAPTER, () -> seen(input, context));
            var dtype = Engine.dtype(x.value());
            var w = as(dtype, matrix);
            if (w != matrix) {
                tape.save(w);
            }
            var change = deltas().isEmpty() ? null : tape.in(Part.ADAPTER, () -> weightChange(x, context));
            var product = changed(w, change, tape);
            var y = Gemm.linear(x.value(), product, bias == null ? null : as(dtype, bias.value()));
            List<LinearDelta.Backward> backwards =
                    deltas().isEmpty() ? List.of() : tape.in(Part.ADAPTER, () -> backwards(change, x, y, context));
            boolean trains = tape.trains(weight) || tape.trains(bias);
            if (tape.trains(weight)) {
                tape.save(x.value());
            }
            boolean requiresGrad = x.requiresGrad() || trains || !backwards.isEmpty();
            return tape.record(scope, y, requiresGrad, dY -> backward(x, dY, w, change, backwards, context));
        }
    }

    /** Of the first delta, if it acts on all tokens and would rather change the weight. */
    private LinearDelta.@Nullable WeightChange weightChange(Variable x, ForwardContext context) {
        for (var first : deltas().entrySet()) {
            return context.selects(first.getKey()) ? first.getValue().weightChange(this, x, context) : null;
        }
        return null;
    }

    /** Lets the deltas change {@code y}, but for one that changed the weight; their backward passes in order. */
    private List<LinearDelta.Backward> backwards(
            LinearDelta.@Nullable WeightChange change, Variable x, Tensor y, ForwardContext context) {
        List<LinearDelta.Backward> backwards = new ArrayList<>();
        var pending = change;
        for (var attached : deltas().entrySet()) {
            var backward = pending != null
                    ? pending.backward()
                    : context.selects(attached.getKey())
                            ? attached.getValue().forward(this, x, y, context)
                            : applySelected(attached.getKey(), attached.getValue(), x, y, context);
            pending = null;
            if (backward != null) {
                backwards.add(backward);
            }
        }
        return backwards;
    }

    /** The input as the deltas want it. */
    private Variable seen(Variable input, ForwardContext context) {
        var x = input;
        for (var attached : deltas().entrySet()) {
            var mine = attached.getValue().input(x, context);
            if (mine == x || context.selects(attached.getKey())) {
                x = mine;
                continue;
            }
            var tokens = context.selected(attached.getKey());
            x = tokens == null ? x : tokens.choose(x, mine, context);
        }
        return x;
    }

    private Delta.@Nullable Backward applySelected(
            String adapter, LinearDelta delta, Variable x, Tensor y, ForwardContext context) {
        var tokens = context.selected(adapter);
        return tokens == null ? null : tokens.apply(delta, this, x, y);
    }

    /** Trained copies are fp32 whatever the dtype of the pass is. */
    private static Tensor as(ScalarType dtype, Tensor weight) {
        return Engine.dtype(weight) == dtype ? weight : weight.to(dtype);
    }

    private void backward(
            Variable x,
            Tensor dOut,
            Tensor w,
            LinearDelta.@Nullable WeightChange change,
            List<LinearDelta.Backward> deltas,
            ForwardContext context) {
        var tape = context.tape();
        var dY = deltas.isEmpty() ? dOut : tape.in(Part.ADAPTER, () -> backward(dOut, deltas));
        if (x.requiresGrad()) {
            x.accumulateProduct(dY, changed(w, change, tape));
        }
        if (tape.trains(weight)) {
            var dW = storedTransposed ? torch.mm(x.value().t(), dY) : torch.mm(dY.t(), x.value());
            tape.deliver(weight, dW);
        }
        if (bias != null && tape.trains(bias)) {
            tape.deliver(bias, dY.sum(0));
        }
    }

    /** Of the last delta first. */
    private static Tensor backward(Tensor dOut, List<LinearDelta.Backward> deltas) {
        Deque<LinearDelta.Backward> order = new ArrayDeque<>();
        deltas.forEach(order::push);
        var dY = dOut;
        for (var delta : order) {
            dY = delta.run(dY);
        }
        return dY;
    }

    private static Tensor changed(Tensor w, LinearDelta.@Nullable WeightChange change, Tape tape) {
        return change == null ? w : tape.in(Part.ADAPTER, () -> change.of(w));
    }

    @Override
    public String toString() {
        return name + "[" + outFeatures() + ", " + inFeatures() + "]";
    }
}
