package dev.espalier.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation over few, large operations. The frozen model's operations bring their own backward
 * pass, so nothing is computed or kept that a frozen weight does not need; what trains (routers, losses, an adapter
 * nobody has tuned yet) can be written as plain tensor code and differentiated by libtorch inside
 * {@link #autograd}. An operation whose inputs need no gradient is not recorded, so backward stops below the lowest
 * trainable weight.
 *
 * <p>A tape serves one forward and one backward pass on one thread. Values that backward needs are {@link #save saved}
 * by the operation that needs them and freed as soon as it has run.
 */
public final class Tape implements AutoCloseable {
    private record Node(Variable output, List<Tensor> saved, Consumer<Tensor> backward, Profile.Part part) {}

    private final List<Node> nodes = new ArrayList<>();
    private final List<Variable> inputs = new ArrayList<>();
    private final boolean recording;
    private final GradientSink sink;
    private final @Nullable Profile profile;
    private List<Tensor> pending = new ArrayList<>();

    private Tape(boolean recording, GradientSink sink, @Nullable Profile profile) {
        this.recording = recording;
        this.sink = sink;
        this.profile = profile;
    }

    /** A tape that records for one backward pass; parameters' gradients go to {@code sink}. */
    public static Tape recording(GradientSink sink) {
        return new Tape(true, sink, null);
    }

    /** The same, and {@code profile} is told what the pass spends its time on. */
    public static Tape recording(GradientSink sink, @Nullable Profile profile) {
        return new Tape(true, sink, profile);
    }

    /** A tape that records nothing, for inference. */
    public static Tape inference() {
        return new Tape(false, (p, g) -> {}, null);
    }

    /** A tape of its own for a part of the pass that is run backward by itself; it delivers to the same sink. */
    public Tape child() {
        return new Tape(recording, sink, profile);
    }

    /** A tape of its own for a part of the pass that is run without being recorded. */
    public Tape unrecorded() {
        return new Tape(false, sink, profile);
    }

    /** Opens an operation's scope; its time, and that of its backward pass, counts for {@code part}. */
    public Scope scope(Profile.Part part) {
        return Scope.open(profile, part);
    }

    /** Lets the time of {@code work}, and of the backward passes recorded in it, count for {@code part}. */
    public <T extends @Nullable Object> T in(Profile.Part part, Supplier<T> work) {
        if (profile == null) {
            return work.get();
        }
        var before = profile.enter(part);
        try {
            return work.get();
        } finally {
            profile.leave(before);
        }
    }

    /** Whether a backward pass may follow. */
    public boolean isRecording() {
        return recording;
    }

    /** Whether backward must compute the gradient of {@code parameter}. */
    public boolean trains(@Nullable Parameter parameter) {
        return recording && parameter != null && parameter.trainable();
    }

    /** Delivers a gradient of {@code parameter}. */
    public void deliver(Parameter parameter, Tensor gradient) {
        sink.add(parameter, gradient);
    }

    /** An input that no gradient flows to. */
    public Variable constant(Tensor value) {
        return new Variable(value, false);
    }

    /** An input whose gradient is wanted: it can be read from it between {@link #backward} and {@link #close}. */
    public Variable input(Tensor value) {
        var input = new Variable(value, recording);
        inputs.add(input);
        return input;
    }

    /** Keeps {@code value} for the backward pass of the operation that is recorded next. */
    public Tensor save(Tensor value) {
        if (recording) {
            Scope.requireOwning(value);
            value.retainReference();
            pending.add(value);
            if (profile != null) {
                profile.keep(value);
            }
        }
        return value;
    }

    /**
     * The result of an operation.
     *
     * @param scope the operation's scope: {@code value} is handed to the one around it
     * @param requiresGrad whether an input or a parameter of the operation needs a gradient
     * @param backward takes the gradient with respect to {@code value} (its shape) and delivers those of the inputs
     */
    public Variable record(Scope scope, Tensor value, boolean requiresGrad, Consumer<Tensor> backward) {
        scope.keep(value);
        var saved = pending;
        pending = new ArrayList<>();
        if (!recording || !requiresGrad) {
            saved.forEach(this::free);
            return new Variable(value, false);
        }
        var output = new Variable(value, true);
        var part = profile == null ? Profile.Part.OTHER : profile.current();
        nodes.add(new Node(output, saved, backward, part));
        return output;
    }

    /**
     * Runs {@code function}, plain tensor code, and records its derivative as libtorch's autograd finds it.
     *
     * @param inputs values that gradients flow on to
     * @param parameters weights that the function uses; frozen ones get no gradient
     * @param function gets the inputs' values, then the parameters', and returns one tensor
     */
    public Variable autograd(
            List<Variable> inputs, List<Parameter> parameters, Function<List<Tensor>, Tensor> function) {
        try (var scope = Scope.open()) {
            var arguments = new ArrayList<Tensor>();
            var wanted = new ArrayList<Tensor>();
            var deliver = new ArrayList<Consumer<Tensor>>();
            for (var input : inputs) {
                argument(input.value(), input.requiresGrad(), arguments, wanted, deliver, input::accumulate);
            }
            for (var p : parameters) {
                argument(p.value(), trains(p), arguments, wanted, deliver, g -> deliver(p, g));
            }
            if (wanted.isEmpty()) {
                return record(scope, function.apply(arguments), false, g -> {});
            }
            Tensor output;
            try (var mode = new AutoGradMode(true)) {
                output = function.apply(arguments);
            }
            save(output);
            wanted.forEach(this::save);
            return record(scope, output.detach(), true, dY -> {
                var gradients = gradients(output, wanted, dY);
                for (int i = 0; i < wanted.size(); i++) {
                    deliver.get(i).accept(gradients.get(i));
                }
            });
        }
    }

    private static void argument(
            Tensor value,
            boolean wants,
            List<Tensor> arguments,
            List<Tensor> wanted,
            List<Consumer<Tensor>> deliver,
            Consumer<Tensor> receiver) {
        var argument = value.detach();
        if (wants) {
            argument.requires_grad_(true);
            wanted.add(argument);
            deliver.add(receiver);
        }
        arguments.add(argument);
    }

    /** Vector-Jacobian products of {@code output} with respect to {@code inputs}; zeros where one was not used. */
    public static List<Tensor> gradients(Tensor output, List<Tensor> inputs, Tensor outputGradient) {
        var found = torch.grad(
                new TensorVector(output),
                new TensorVector(inputs.toArray(Tensor[]::new)),
                new TensorVector(outputGradient),
                new BoolOptional(false),
                false,
                true);
        var gradients = new ArrayList<Tensor>();
        for (int i = 0; i < inputs.size(); i++) {
            var g = new Tensor(found.get(i));
            gradients.add(g.defined() ? g : torch.zeros_like(inputs.get(i)));
        }
        return gradients;
    }

    /** Backward from {@code output}, whose gradient is {@code seed}. */
    public void backward(Variable output, Tensor seed) {
        output.accumulate(seed);
        boolean before = profile != null && profile.backward(true);
        for (int i = nodes.size() - 1; i >= 0; i--) {
            var node = nodes.remove(i);
            try (var scope = scope(node.part)) {
                var gradient = node.output.gradient();
                if (gradient != null) {
                    node.backward.accept(gradient);
                }
            } finally {
                free(node);
            }
        }
        if (profile != null) {
            profile.backward(before);
        }
    }

    /** Backward from a scalar loss. */
    public void backward(Variable loss) {
        try (var scope = Scope.open()) {
            backward(loss, torch.ones_like(loss.value()));
        }
    }

    private void free(Node node) {
        node.saved.forEach(this::free);
        node.output.release();
    }

    private void free(Tensor saved) {
        if (profile != null) {
            profile.free(saved);
        }
        saved.releaseReference();
    }

    /** Frees the inputs' gradients and what a pass that was given up has left. */
    @Override
    public void close() {
        inputs.forEach(Variable::release);
        inputs.clear();
        nodes.forEach(this::free);
        nodes.clear();
        pending.forEach(this::free);
        pending.clear();
    }
}
