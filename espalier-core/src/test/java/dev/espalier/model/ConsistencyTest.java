package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How far two passes lie apart, against the formula with logarithms, in double, differentiated by libtorch. */
class ConsistencyTest {
    private static final int[] LENGTHS = {60, 23, 1};
    private static final int TOKENS = 60;
    private static final double WEIGHT = .3;

    private NoGradGuard guard;
    private Scope scope;

    @BeforeEach
    void open() {
        guard = Engine.enter(1);
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
        guard.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = TaskKind.class,
            names = {"CAUSAL_LM"},
            mode = EnumSource.Mode.EXCLUDE)
    void valueAndGradientsAreTheFormulas(TaskKind kind) {
        int rows = kind == TaskKind.TOKEN_LABELS ? LENGTHS.length * TOKENS : LENGTHS.length;
        int outputs = kind == TaskKind.REGRESSION ? 1 : 4;
        var batch = batch(kind, outputs);
        var u = Initialiser.normal(2, RandomStream.of(1), rows, outputs);
        var v = Initialiser.normal(2, RandomStream.of(2), rows, outputs);
        var asked = kind == TaskKind.TOKEN_LABELS
                ? torch.tensor(Arrays.stream(batch.labels())
                        .mapToLong(label -> label == Batch.IGNORED ? 0 : 1)
                        .toArray())
                : torch.ones(new long[] {rows});
        try (var tape = Tape.recording((parameter, gradient) -> {})) {
            var first = tape.input(u);
            var second = tape.input(v);
            var divergence = Consistency.of(kind, first, second, batch, WEIGHT, tape);
            tape.backward(divergence);
            var want = plain(u, v, (x, y) -> formula(kind, x, y).mul(asked).sum());
            assertThat(divergence.value().item_double()).isPositive().isCloseTo(want.value, within(1e-5));
            assertClose("first", Objects.requireNonNull(first.gradient()), want.first, 1e-4, 1e-6);
            assertClose("second", Objects.requireNonNull(second.gradient()), want.second, 1e-4, 1e-6);
        }
    }

    /** More tokens to predict than a chunk has, of a head with an adapter's worth of training and one that caps. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1.5})
    void aTextHeadCutsBothPassesAlike(double cap) {
        var batch = batch(TaskKind.CAUSAL_LM, 0);
        var weight = new Parameter("lm_head.weight", Initialiser.normal(1, RandomStream.of(3), 11, 5), true);
        var head = new CausalLmHead(new Linear("lm_head", weight, null), cap);
        var hidden = List.of(hidden(4), hidden(5));
        try (var gradients = new Gradients(List.of(weight));
                var context = context(batch, gradients)) {
            var inputs = hidden.stream().map(context.tape()::input).toList();
            var second = context.again(Objects.requireNonNull(context.training()));
            var loss = head.loss(
                    TaskKind.CAUSAL_LM,
                    new HeadInput(inputs.get(0), context),
                    new HeadInput(inputs.get(1), second),
                    batch,
                    WEIGHT,
                    2);
            context.tape().backward(loss);
            var targets = CausalLmHead.Targets.of(batch);
            assertThat(targets.count()).isGreaterThan(64);
            var places =
                    torch.tensor(Arrays.stream(targets.places()).asLongStream().toArray());
            var labels = torch.tensor(
                            Arrays.stream(targets.labels()).asLongStream().toArray())
                    .unsqueeze(1);
            var w = weight.value().to(ScalarType.Double).requires_grad_(true);
            var all = hidden.stream()
                    .map(h -> h.to(ScalarType.Double).requires_grad_(true))
                    .toList();
            Tensor total;
            try (var mode = new AutoGradMode(true)) {
                var logits = new ArrayList<Tensor>();
                for (var h : all) {
                    var plain = torch.mm(torch.index_select(h, 0, places), w.t());
                    logits.add(
                            cap == 0
                                    ? plain
                                    : torch.tanh(plain.div(new Scalar(cap))).mul(new Scalar(cap)));
                }
                var crossEntropy = torch.log_softmax(logits.get(0), 1)
                        .gather(1, labels)
                        .sum()
                        .neg()
                        .mul(new Scalar(WEIGHT));
                var divergence = formula(TaskKind.SINGLE_LABEL, logits.get(0), logits.get(1))
                        .sum()
                        .mul(new Scalar(2 * WEIGHT));
                assertThat(loss.value().item_double()).isCloseTo(crossEntropy.item_double(), within(1e-3));
                assertThat(context.auxiliaryLoss()).isCloseTo(divergence.item_double(), within(1e-3));
                total = crossEntropy.add(divergence);
            }
            var want = Tape.gradients(total, List.of(w, all.get(0), all.get(1)), torch.ones_like(total));
            assertClose("weight", gradients.of(weight), want.get(0), 1e-3, 1e-4);
            assertClose("first", Objects.requireNonNull(inputs.get(0).gradient()), want.get(1), 1e-3, 1e-5);
            assertClose("second", Objects.requireNonNull(inputs.get(1).gradient()), want.get(2), 1e-3, 1e-5);
        }
    }

    @Test
    void equalAnswersAreNotApart() {
        var u = Initialiser.normal(2, RandomStream.of(1), 3, 4);
        try (var tape = Tape.recording((parameter, gradient) -> {})) {
            var first = tape.input(u);
            var divergence = Consistency.of(
                    TaskKind.SINGLE_LABEL, first, tape.input(u.clone()), batch(TaskKind.SINGLE_LABEL, 4), 1, tape);
            tape.backward(divergence);
            assertThat(divergence.value().item_double()).isZero();
            assertThat(Objects.requireNonNull(first.gradient()).abs().sum().item_double())
                    .isZero();
        }
    }

    /** The divergence of each row, whose other side gets no gradient. */
    private static Tensor formula(TaskKind kind, Tensor u, Tensor v) {
        return switch (kind) {
            case REGRESSION ->
                u.sub(v.detach())
                        .square()
                        .add(v.sub(u.detach()).square())
                        .squeeze(1)
                        .mul(new Scalar(.5));
            case MULTI_LABEL ->
                bernoulli(u.detach(), v).add(bernoulli(v.detach(), u)).mean(1).mul(new Scalar(.5));
            default -> kl(u.detach(), v).add(kl(v.detach(), u)).mul(new Scalar(.5));
        };
    }

    /** {@code Σ p (log p - log q)}. */
    private static Tensor kl(Tensor p, Tensor q) {
        return torch.softmax(p, 1)
                .mul(torch.log_softmax(p, 1).sub(torch.log_softmax(q, 1)))
                .sum(1);
    }

    private static Tensor bernoulli(Tensor p, Tensor q) {
        var yes = torch.sigmoid(p).mul(torch.log_sigmoid(p).sub(torch.log_sigmoid(q)));
        var no = torch.sigmoid(p.neg()).mul(torch.log_sigmoid(p.neg()).sub(torch.log_sigmoid(q.neg())));
        return yes.add(no);
    }

    private record Plain(double value, Tensor first, Tensor second) {}

    @FunctionalInterface
    private interface Formula {
        Tensor of(Tensor u, Tensor v);
    }

    private static Plain plain(Tensor u, Tensor v, Formula formula) {
        var x = u.to(ScalarType.Double).requires_grad_(true);
        var y = v.to(ScalarType.Double).requires_grad_(true);
        Tensor value;
        try (var mode = new AutoGradMode(true)) {
            value = formula.of(x, y).mul(new Scalar(WEIGHT));
        }
        var gradients = Tape.gradients(value, List.of(x, y), torch.ones_like(value));
        return new Plain(value.item_double(), gradients.get(0), gradients.get(1));
    }

    private static Tensor hidden(long seed) {
        return Initialiser.normal(1, RandomStream.of(seed), (long) LENGTHS.length * TOKENS, 5);
    }

    private static ForwardContext context(Batch batch, Gradients gradients) {
        var training = new ForwardContext.Training(RandomStream.of(9), new long[] {0, 1, 2}, 3);
        return ForwardContext.training(Tape.recording(gradients), batch.layout(), training);
    }

    /** Labels for most tokens, or for every row. */
    private static Batch batch(TaskKind kind, int outputs) {
        boolean perToken = kind == TaskKind.TOKEN_LABELS || kind == TaskKind.CAUSAL_LM;
        var labels = new int[perToken ? LENGTHS.length * TOKENS : LENGTHS.length];
        for (int i = 0; i < labels.length; i++) {
            boolean padding = perToken && i % TOKENS >= LENGTHS[i / TOKENS];
            labels[i] = padding || (perToken && i % 7 == 0) ? Batch.IGNORED : i % 4;
        }
        return new Batch(
                0,
                Layout.rightPadded(TOKENS, LENGTHS),
                new long[LENGTHS.length * TOKENS],
                new long[LENGTHS.length * TOKENS],
                labels,
                new float[LENGTHS.length * outputs],
                new long[] {0, 1, 2},
                (int) Arrays.stream(labels)
                        .filter(label -> label != Batch.IGNORED)
                        .count());
    }
}
