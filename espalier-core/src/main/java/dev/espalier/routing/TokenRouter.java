package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * A router that scores each token, or each sequence by the mean of its tokens. Scores are computed in the input's dtype;
 * gates, choices, capacity and losses in fp32 on the host, where {@code [tokens, experts]} is small, by {@link Gates}.
 */
public final class TokenRouter implements Router {
    private final String name;
    private final Scorer scorer;
    private final Parts parts;
    private final int modules;
    private final Gating gating;

    /**
     * What a router may have beside its scorer.
     *
     * @param threshold a threshold that is learned
     * @param selectionBias {@code [experts]}, added to gates for the choice alone and not trained by gradients
     * @param biasStep how far that bias moves after a step, against the sign of what an expert got too much
     * @param perToken rows of gates of a token, each over all experts: 1, or one for every rank
     * @param perSequence whether a sequence is routed as one
     * @param noise what blurs scores in training
     */
    public record Parts(
            Optional<LearnedThreshold> threshold,
            Optional<Parameter> selectionBias,
            double biasStep,
            int perToken,
            boolean perSequence,
            RouterNoise noise) {
        /** One row of gates a token, and nothing else. */
        public static final Parts NONE = new Parts(Optional.empty(), Optional.empty(), 0, 1, false, RouterNoise.NONE);
    }

    /**
     * @param name the module's path
     * @param scorer gives {@code perToken * experts} scores
     * @param modules how many modules of the adapter have a router, which auxiliary losses are divided by
     */
    public TokenRouter(String name, Scorer scorer, Parts parts, int modules, Gating gating) {
        this.name = name;
        this.scorer = scorer;
        this.parts = parts;
        this.modules = modules;
        this.gating = gating;
    }

    @Override
    public List<Parameter> parameters() {
        var parameters = new ArrayList<>(scorer.parameters());
        parts.threshold().ifPresent(threshold -> parameters.addAll(threshold.parameters()));
        parts.selectionBias().ifPresent(parameters::add);
        return parameters;
    }

    @Override
    public boolean tokenwise() {
        return !parts.perSequence()
                && gating.losses().isEmpty()
                && gating.capacity().factor().isEmpty();
    }

    @Override
    public int gates() {
        return scorer.width();
    }

    @Override
    public OptionalInt choices() {
        int experts = scorer.width() / parts.perToken();
        return parts.perToken() == 1 && !parts.perSequence()
                ? OptionalInt.of(gating.selection().slots(experts))
                : OptionalInt.empty();
    }

    @Override
    public Gate route(Variable x, ForwardContext context) {
        var pooling = parts.perSequence() ? SequencePooling.of(context) : null;
        return pooling == null ? gate(x, context) : pooling.route(x, this::gate);
    }

    private Gate gate(Variable x, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(x.value());
        var jitter = parts.noise().jitter(name, x.value(), context);
        var seen = jitter == null ? x.value() : x.value().mul(jitter);
        var scored = scorer.of(new ScorerInput(x, seen, jitter, tape));
        var scores = scored.scores();
        parts.noise().addTo(scores, name, context);
        int experts = (int) scores.size(1) / parts.perToken();
        var rows = scores.view(-1, experts);
        var threshold = parts.threshold().map(t -> t.of(x.value())).orElse(null);
        var gates = new Gates(
                new Gates.Input(
                        experts,
                        FloatArrays.of(rows),
                        FloatArrays.of(gating.activation().apply(rows)),
                        threshold == null ? null : threshold.values(),
                        parts.selectionBias()
                                .map(bias -> FloatArrays.of(bias.value()))
                                .orElse(null),
                        parts.perToken()),
                gating,
                modules,
                context);
        context.observe(gates.observation(name));
        context.addAuxiliaryLoss(gates.auxiliaryLoss());
        var weights = expertMajor(FloatArrays.tensor(gates.weights(), scores.shape()), experts)
                .to(dtype);
        Supplier<ExpertTokens> tokens = parts.perToken() == 1 ? gates::tokens : null;
        if (!trains(tape) && !(tape.isRecording() && x.requiresGrad())) {
            return new Gate(weights, null, tokens);
        }
        scored.save();
        if (threshold != null) {
            tape.save(x.value());
        }
        return new Gate(
                weights,
                dWeights -> {
                    var derivative = gates.backward(FloatArrays.of(rankMajor(dWeights, experts)));
                    scored.backward(FloatArrays.tensor(derivative.scores(), dWeights.shape()));
                    if (threshold != null && derivative.threshold() != null) {
                        threshold.backward(derivative.threshold(), x, tape);
                    }
                },
                tokens);
    }

    private boolean trains(Tape tape) {
        return Stream.concat(
                        scorer.parameters().stream(), parts.threshold().stream().flatMap(t -> t.parameters().stream()))
                .anyMatch(tape::trains);
    }

    /** Gates of several rows a token lie row after row; experts' ranks lie expert after expert. */
    private Tensor expertMajor(Tensor gates, int experts) {
        return parts.perToken() == 1
                ? gates
                : gates.view(-1, parts.perToken(), experts).transpose(1, 2).reshape(gates.shape());
    }

    private Tensor rankMajor(Tensor gates, int experts) {
        return parts.perToken() == 1
                ? gates
                : gates.view(-1, experts, parts.perToken()).transpose(1, 2).reshape(gates.shape());
    }

    /** Moves the selection bias of every expert a step towards an even load. */
    @Override
    public void balance(long[] load) {
        parts.selectionBias().ifPresent(bias -> {
            double mean = 0;
            for (long each : load) {
                mean += (double) each / load.length;
            }
            var moves = new float[load.length];
            for (int e = 0; e < load.length; e++) {
                moves[e] = (float) (parts.biasStep() * Math.signum(mean - load[e]));
            }
            bias.value().add_(FloatArrays.tensor(moves, moves.length), new Scalar(1));
        });
    }
}
