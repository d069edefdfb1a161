package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A decoder's output head: the logits of the next token, {@code c tanh(logit / c)} where the family caps them. The loss
 * looks at the tokens only that another token with a label follows, in parts of like size, and runs each backward at once,
 * so that the logits of a few hundred tokens are all that ever exists.
 */
public final class CausalLmHead implements Head {
    /** Tokens whose logits exist at once, at most. */
    private static final int CHUNK = 384;

    /** The same for two passes: of each there are logits and probabilities, where one pass needs a single matrix. */
    private static final int PAIRED_CHUNK = 64;

    private final Linear linear;
    private final double cap;

    CausalLmHead(Linear linear, double cap) {
        this.linear = linear;
        this.cap = cap;
    }

    /** Logits of all tokens, fp32, {@code [rows * tokens, vocabulary]}. */
    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        var logits = linear.forward(hidden, context);
        return context.tape()
                .autograd(List.of(logits), List.of(), in -> capped(in.get(0).to(ScalarType.Float)));
    }

    private Tensor capped(Tensor logits) {
        return cap == 0 ? logits : torch.tanh(logits.div(new Scalar(cap))).mul(new Scalar(cap));
    }

    /**
     * The logits of a few tokens, without gradients.
     *
     * @param places tokens of {@code rows * tokens}
     * @return fp32, {@code [places, vocabulary]}, of the caller's scope
     */
    public Tensor logits(Variable hidden, int[] places, ForwardContext context) {
        try (var scope = Scope.open();
                var tape = Tape.inference()) {
            var rows = torch.index_select(hidden.value(), 0, torch.tensor(longs(places)));
            var logits = linear.forward(tape.constant(rows), context.tokens(tape, places));
            return scope.keep(capped(logits.value().to(ScalarType.Float)));
        }
    }

    @Override
    public Judged judge(TaskKind kind, Variable hidden, Batch batch, boolean withLoss, ForwardContext context) {
        var targets = Targets.of(batch);
        var judged = new float[2 * targets.count()];
        double loss = 0;
        for (int from = 0; from < targets.count(); from += CHUNK) {
            try (var scope = Scope.open()) {
                var chunk = targets.part(from, Math.min(CHUNK, targets.count() - from));
                var scores = logits(hidden, chunk.places(), context);
                var labels = torch.tensor(longs(chunk.labels())).unsqueeze(1);
                var logarithms = Judged.floats(torch.log_softmax(scores, 1).gather(1, labels));
                var likeliest = torch.argmax(scores, new LongOptional(1), true);
                var hits = Judged.floats(likeliest.eq(labels).to(ScalarType.Float));
                for (int i = 0; i < chunk.count(); i++) {
                    judged[2 * (from + i)] = logarithms[i];
                    judged[2 * (from + i) + 1] = hits[i];
                    loss -= logarithms[i];
                }
            }
        }
        return new Judged(withLoss ? loss : Double.NaN, perSegment(judged, targets, batch));
    }

    /** Cuts what was judged, two numbers a target, at the ends of the segments. */
    private static List<float[]> perSegment(float[] judged, Targets targets, Batch batch) {
        var answers = new ArrayList<float[]>();
        int from = 0;
        for (var segment : batch.layout().segments()) {
            int end = batch.layout().first(segment) + segment.length();
            int to = from;
            while (to < targets.count() && targets.places()[to] < end) {
                to++;
            }
            answers.add(Arrays.copyOfRange(judged, 2 * from, 2 * to));
            from = to;
        }
        return answers;
    }

    @Override
    public Variable loss(TaskKind kind, Variable hidden, Batch batch, double weight, ForwardContext context) {
        return loss(
                List.of(new HeadInput(hidden, context)),
                Targets.of(batch),
                CHUNK,
                (logits, chunk, tape) -> crossEntropy(logits.get(0), chunk, weight, tape));
    }

    @Override
    public Variable loss(
            TaskKind kind, HeadInput first, HeadInput second, Batch batch, double weight, double coefficient) {
        return loss(List.of(first, second), Targets.of(batch), PAIRED_CHUNK, (logits, chunk, tape) -> {
            // Before the loss, which overwrites the logits.
            var capped = logits.stream()
                    .map(each -> tape.autograd(
                            List.of(each), List.of(), in -> capped(in.get(0).to(ScalarType.Float))))
                    .toList();
            var divergence = Consistency.ofTokens(capped.get(0), capped.get(1), coefficient * weight, tape);
            return Consistency.join(
                    crossEntropy(logits.get(0), chunk, weight, tape), divergence, tape, first.context());
        });
    }

    /** The loss of a few tokens from the logits of every pass, a scalar. */
    @FunctionalInterface
    private interface ChunkLoss {
        Variable of(List<Variable> logits, Targets chunk, Tape tape);
    }

    /**
     * The hidden states of the tokens that have something to predict, and the loss's gradient with respect to them.
     *
     * @param gradient null where none is wanted
     */
    private record Rows(
            HeadInput pass, Tensor values, @Nullable Tensor gradient) {
        static Rows of(HeadInput pass, Tensor places, Tape tape) {
            var values = torch.index_select(pass.hidden().value(), 0, places);
            boolean wanted = tape.isRecording() && pass.hidden().requiresGrad();
            return new Rows(pass, values, wanted ? tape.save(torch.empty_like(values)) : null);
        }

        Variable part(int from, int count, Tape tape) {
            var part = values.narrow(0, from, count);
            return gradient == null ? tape.constant(part) : tape.input(part);
        }

        void take(Variable part, int from, int count) {
            var dPart = part.gradient();
            if (gradient != null && dPart != null) {
                gradient.narrow(0, from, count).copy_(dPart);
            }
        }

        void deliver(Tensor places) {
            if (gradient != null) {
                var hidden = pass.hidden();
                var dHidden = torch.zeros(hidden.value().shape(), gradient.options());
                dHidden.index_copy_(0, places, gradient);
                hidden.accumulate(dHidden);
            }
        }
    }

    private Variable loss(List<HeadInput> passes, Targets targets, int most, ChunkLoss chunkLoss) {
        var tape = passes.get(0).context().tape();
        try (var scope = Scope.open()) {
            var places = tape.save(torch.tensor(longs(targets.places())));
            var rows = passes.stream().map(pass -> Rows.of(pass, places, tape)).toList();
            double loss = 0;
            int parts = (targets.count() + most - 1) / most;
            for (int place = 0; place < parts; place++) {
                try (var inner = Scope.open();
                        var part = tape.child()) {
                    int from = place * targets.count() / parts;
                    var chunk = targets.part(from, (place + 1) * targets.count() / parts - from);
                    var inputs = rows.stream()
                            .map(each -> each.part(from, chunk.count(), part))
                            .toList();
                    var logits = new ArrayList<Variable>();
                    for (int i = 0; i < passes.size(); i++) {
                        var context = passes.get(i).context().tokens(part, chunk.places());
                        logits.add(linear.forward(inputs.get(i), context));
                    }
                    var scores = chunkLoss.of(logits, chunk, part);
                    loss += scores.value().item_double();
                    part.backward(scores);
                    for (int i = 0; i < passes.size(); i++) {
                        rows.get(i).take(inputs.get(i), from, chunk.count());
                    }
                }
            }
            var result = torch.scalar_tensor(new Scalar(loss), Engine.options(ScalarType.Float));
            boolean wanted = rows.stream().anyMatch(each -> each.gradient != null);
            // The parts have run with a seed of 1 already; any other would come too late for their weights.
            return tape.record(scope, result, wanted, seed -> rows.forEach(each -> each.deliver(places)));
        }
    }

    /**
     * {@code weight · Σ -log softmax(logits)[label]}. The loss is {@code max - log p_max - logit[label]}, which needs no
     * second copy of the logits; the gradient is made where they were.
     */
    private Variable crossEntropy(Variable logits, Targets targets, double weight, Tape tape) {
        try (var scope = Scope.open()) {
            var scores = logits.value();
            if (cap != 0) {
                scores.div_(new Scalar(cap)).tanh_().mul_(new Scalar(cap));
            }
            var labels = torch.tensor(longs(targets.labels())).unsqueeze(1);
            var picked = scores.gather(1, labels).to(ScalarType.Float).squeeze(1);
            var largest = torch.amax(scores, new long[] {1}, false).to(ScalarType.Float);
            var slopes = cap == 0 || !logits.requiresGrad() ? null : tape.save(slopes(scores));
            var p = cap == 0 ? torch.softmax_out(scores, scores, -1) : torch.softmax(scores, -1);
            var top = torch.amax(p, new long[] {1}, false).to(ScalarType.Float);
            var loss = largest.sub(top.log()).sub(picked).sum().mul(new Scalar(weight));
            if (logits.requiresGrad()) {
                var vocabulary = p.size(1);
                var places = torch.tensor(IntStream.range(0, targets.count())
                        .mapToLong(i -> i * vocabulary + targets.labels()[i])
                        .toArray());
                p.view(-1).put_(places, torch.full(places.shape(), new Scalar(-1), p.options()), true);
                p.mul_(new Scalar(weight));
                if (slopes != null) {
                    p.mul_(slopes);
                }
            }
            var gradient = tape.save(new Tensor(p));
            return tape.record(scope, loss, logits.requiresGrad(), seed -> logits.accumulate(gradient));
        }
    }

    /** The derivative of the cap, from capped logits. */
    private Tensor slopes(Tensor capped) {
        var square = capped.div(new Scalar(cap)).square();
        return square.neg().add(new Scalar(1));
    }

    private static long[] longs(int[] values) {
        return IntStream.of(values).asLongStream().toArray();
    }

    @Override
    public List<Linear> linears() {
        return List.of(linear);
    }

    @Override
    public List<TrainedModule> trained() {
        return List.of();
    }

    /**
     * The tokens that have something to predict.
     *
     * @param places of {@code rows * tokens}
     * @param labels the token that follows each
     */
    @SuppressWarnings("ArrayRecordComponent") // read by index, never compared
    public record Targets(int[] places, int[] labels) {
        /** Tokens of a segment whose next one has a label. */
        public static Targets of(Batch batch) {
            var layout = batch.layout();
            var places = IntStream.builder();
            for (var segment : layout.segments()) {
                int first = layout.first(segment);
                for (int place = first; place < first + segment.length() - 1; place++) {
                    if (batch.labels()[place + 1] != Batch.IGNORED) {
                        places.add(place);
                    }
                }
            }
            var found = places.build().toArray();
            return new Targets(
                    found,
                    IntStream.of(found).map(place -> batch.labels()[place + 1]).toArray());
        }

        public int count() {
            return places.length;
        }

        Targets part(int from, int count) {
            return new Targets(
                    Arrays.copyOfRange(places, from, from + count), Arrays.copyOfRange(labels, from, from + count));
        }
    }
}
