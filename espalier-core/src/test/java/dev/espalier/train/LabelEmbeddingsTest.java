package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.LabelEmbeddings.Embedder;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scores, loss and gradients against each text run by itself, a loop over cosines and libtorch's own autograd. */
class LabelEmbeddingsTest {
    private static final double TEMPERATURE = 0.2;
    private static final List<int[]> LABELS = List.of(ids(5, 9), ids(7), ids(12, 20, 31, 8), ids(40, 41, 42));
    private static final List<int[]> TEXTS = List.of(ids(30, 6, 17, 22, 9), ids(11), ids(25, 5));
    private static final int[] RIGHT = {2, 0, 1};

    @TempDir
    Path folder;

    private NoGradGuard guard;
    private Scope scope;
    private EncoderModel model;
    private Adapter adapter;

    private static int[] ids(int... inner) {
        var all = new int[inner.length + 2];
        all[0] = 2;
        System.arraycopy(inner, 0, all, 1, inner.length);
        all[all.length - 1] = 3;
        return all;
    }

    @BeforeEach
    void open() {
        guard = Engine.enter(1);
        scope = Scope.open();
        model = AutoModel.encoder(Path.of(TinyModel.in(folder.resolve("model"))), ScalarType.Float);
        adapter = adapter("default");
    }

    private Adapter adapter(String name) {
        var made = Adapter.create(name, LoraSpec.defaults(), model, RandomStream.of(2));
        for (var p : made.parameters()) {
            p.value().copy_(Initialiser.normal(.3, RandomStream.of(3).at(p.name()), p.shape()));
        }
        return made;
    }

    @AfterEach
    void close() {
        adapter.close();
        model.close();
        scope.close();
        guard.close();
    }

    private Head labelHead(Embedder by) {
        return model.addLabelEmbeddings(
                "", Pooling.DEFAULT, new LabelEmbeddings(TEMPERATURE, by, List.of()), LABELS, 0);
    }

    private Head choiceHead(Embedder by) {
        return model.addLabelEmbeddings(
                "", Pooling.DEFAULT, new LabelEmbeddings(TEMPERATURE, by, List.of()), List.of(), 0);
    }

    /** Rows have 4, 2 and 3 candidates of their own where {@code choices}. */
    private static Batch batch(boolean choices) {
        var examples = new ArrayList<EncodedExample>();
        for (int row = 0; row < TEXTS.size(); row++) {
            examples.add(example(row, choices));
        }
        return Batch.of(examples, 0);
    }

    private static EncodedExample example(int row, boolean choices) {
        var text = TEXTS.get(row);
        return new EncodedExample(
                0,
                row,
                text,
                new int[text.length],
                new int[] {RIGHT[row]},
                new float[0],
                choices ? candidates(row) : List.of());
    }

    private static List<int[]> candidates(int row) {
        return LABELS.subList(row == 0 ? 0 : 1, row == 1 ? 3 : 4);
    }

    /** The mean of a text's last hidden states, which is run alone. */
    private double[] embedding(int[] ids, boolean bare) {
        if (bare) {
            adapter.disable();
        }
        var batch = Batch.ofTexts(0, List.of(ids), 0);
        try (var inner = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            var mean = model.hidden(batch, context).value().mean(0);
            return Fixtures.doubles(mean);
        } finally {
            if (bare) {
                adapter.enable();
            }
        }
    }

    private static double cosine(double[] a, double[] b) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return ab / Math.sqrt(aa * bb);
    }

    /** Probabilities of each row's texts, by a plain loop. */
    private double[][] expected(boolean choices, boolean bareLabels) {
        var rows = new double[TEXTS.size()][];
        for (int row = 0; row < rows.length; row++) {
            var text = embedding(TEXTS.get(row), false);
            var others = choices ? candidates(row) : LABELS;
            var exponentials = others.stream()
                    .mapToDouble(other -> Math.exp(cosine(text, embedding(other, bareLabels)) / TEMPERATURE))
                    .toArray();
            double sum = Arrays.stream(exponentials).sum();
            rows[row] = Arrays.stream(exponentials).map(e -> e / sum).toArray();
        }
        return rows;
    }

    @ParameterizedTest
    @CsvSource({"false, ADAPTED", "false, BASE", "true, ADAPTED", "true, BASE"})
    void probabilitiesAndLossAreThoseOfEachTextRunAlone(boolean choices, Embedder by) {
        var head = choices ? choiceHead(by) : labelHead(by);
        var kind = choices ? TaskKind.CHOICE : TaskKind.SINGLE_LABEL;
        var batch = batch(choices);
        var want = expected(choices, by == Embedder.BASE);
        try (var owner = new Owner();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            var hidden = model.hidden(batch, context);
            var judged = head.judge(kind, hidden, batch, true, context);
            double loss = 0;
            for (int row = 0; row < want.length; row++) {
                assertThat(judged.answers().get(row)).hasSize(want[row].length);
                for (int i = 0; i < want[row].length; i++) {
                    assertThat((double) judged.answers().get(row)[i]).isCloseTo(want[row][i], within(1e-5));
                }
                loss -= Math.log(want[row][RIGHT[row]]);
            }
            assertThat(judged.loss()).isCloseTo(loss, within(1e-4));

            var settled = head.settled(0, owner);
            assertThat(settled == head).isEqualTo(choices);
            var same = settled.judge(kind, hidden, batch, true, context);
            assertThat(same.loss()).isEqualTo(judged.loss());
            assertThat(same.answers()).usingRecursiveComparison().isEqualTo(judged.answers());
        }
    }

    /** Hidden states get their gradients from libtorch; the encoder's own backward pass takes them on. */
    @ParameterizedTest
    @EnumSource(Embedder.class)
    void gradientsAreThoseOfLibtorchsAutograd(Embedder by) {
        var head = labelHead(by);
        var batch = batch(false);
        var parameters = adapter.parameters();
        try (var got = new Gradients(parameters);
                var want = new Gradients(parameters)) {
            try (var context = ForwardContext.evaluation(Tape.recording(got), batch.layout())) {
                context.tape().backward(model.loss(head, TaskKind.SINGLE_LABEL, batch, 0.5, context));
            }
            libtorch(batch, by, want);
            for (var parameter : parameters) {
                assertThat(want.of(parameter).norm().item_double()).isPositive();
                assertClose(parameter.name(), got.of(parameter), want.of(parameter), 1e-3, 1e-6);
            }
        }
    }

    /** Whoever looks at single gradients sees the sum of what texts and labels give, once. */
    @ParameterizedTest
    @EnumSource(Embedder.class)
    void sensitivitiesAreOfTheWholeGradient(Embedder by) {
        var task = new StepTask(labelHead(by), TaskKind.SINGLE_LABEL);
        var linear = Objects.requireNonNull(model.linears().get("bert.encoder.layer.0.attention.self.query"));
        var row = Batch.of(List.of(example(0, false)), 0);
        double expected;
        try (var gradients = new Gradients(List.of(linear.weight()))) {
            linear.weight().trainable(true);
            try (var context = ForwardContext.evaluation(Tape.recording(gradients), row.layout())) {
                context.tape().backward(model.loss(task.head(), task.kind(), row, 1, context));
            }
            double norm = gradients.of(linear.weight()).norm().item_double();
            expected = norm * norm;
        }
        linear.weight().trainable(false);
        var pass = SensitivityPass.exact(model, task, false, List.of(linear));
        assertThat(expected).isPositive();
        assertThat(pass.measure(row)[0]).isCloseTo(expected, within(1e-4 * expected));
    }

    private void libtorch(Batch texts, Embedder by, Gradients into) {
        var labels = Batch.ofTexts(0, LABELS, 0);
        try (var ofTexts = ForwardContext.evaluation(Tape.recording(into), texts.layout());
                var ofLabels = ForwardContext.evaluation(Tape.recording(into), labels.layout())) {
            if (by == Embedder.BASE) {
                ofLabels.adapters(
                        LABELS.stream().map(l -> Optional.<String>empty()).toList());
            }
            var x = model.hidden(texts, ofTexts);
            var l = model.hidden(labels, ofLabels);
            var dX = x.value().detach();
            dX.requires_grad_(true);
            var dL = l.value().detach();
            dL.requires_grad_(true);
            Tensor loss;
            try (var mode = new AutoGradMode(true)) {
                var cosines = torch.mm(unit(dX, texts), unit(dL, labels).t()).div(new Scalar(TEMPERATURE));
                var right = torch.tensor(Arrays.stream(RIGHT).asLongStream().toArray());
                loss = torch.cross_entropy_loss(cosines, right).mul(new Scalar(0.5 * RIGHT.length));
            }
            var found = torch.grad(new TensorVector(loss), new TensorVector(dX, dL));
            ofTexts.tape().backward(x, new Tensor(found.get(0)));
            if (by == Embedder.ADAPTED) {
                ofLabels.tape().backward(l, new Tensor(found.get(1)));
            }
        }
    }

    private static Tensor unit(Tensor hidden, Batch batch) {
        var rows = new ArrayList<Tensor>();
        for (var segment : batch.layout().segments()) {
            var mean = hidden.narrow(0, batch.layout().first(segment), segment.length())
                    .mean(0);
            rows.add(mean.div(mean.norm()));
        }
        return torch.stack(new TensorVector(rows.toArray(Tensor[]::new)));
    }

    @Test
    void eachRowsOwnAdapterEmbedsTheLabelsToo() {
        var head = labelHead(Embedder.ADAPTED);
        try (var second = adapter("second")) {
            for (Parameter p : second.parameters()) {
                p.value().mul_(new Scalar(-1.5));
            }
            var names = List.of(Optional.of("default"), Optional.of("second"), Optional.<String>empty());
            var mixed = logits(head, batch(false), names);
            for (int row = 0; row < names.size(); row++) {
                var alone = logits(head, Batch.of(List.of(example(row, false)), 0), List.of(names.get(row)));
                assertClose("row " + row, mixed.narrow(0, row, 1), alone, 1e-4, 1e-4);
            }
        }
    }

    private Tensor logits(Head head, Batch batch, List<Optional<String>> adapters) {
        try (var inner = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            context.adapters(adapters);
            return inner.keep(model.logits(head, batch, context).value());
        }
    }

    @Test
    void labelsOfATrainingPassDoNotDropOut() {
        var head = labelHead(Embedder.ADAPTED);
        var batch = batch(false);
        var training = new ForwardContext.Training(RandomStream.of(1), new long[] {0, 1, 2}, 3);
        try (var evaluated = ForwardContext.evaluation(Tape.inference(), batch.layout());
                var trained = ForwardContext.training(Tape.inference(), batch.layout(), training)) {
            var hidden = model.hidden(batch, evaluated);
            assertClose(
                    "logits",
                    head.forward(hidden, trained).value(),
                    head.forward(hidden, evaluated).value(),
                    0,
                    0);
        }
    }

    @Test
    void theFirstTokenIsTheEmbeddingWhereThePoolingSaysSo() {
        var settings = new LabelEmbeddings(TEMPERATURE, Embedder.ADAPTED, List.of());
        var head = model.addLabelEmbeddings("", Pooling.CLS, settings, LABELS, 0);
        var batch = batch(false);
        try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout());
                var ofLabels = ForwardContext.evaluation(
                        Tape.inference(), Batch.ofTexts(0, LABELS, 0).layout())) {
            var hidden = model.hidden(batch, context);
            var labels = model.hidden(Batch.ofTexts(0, LABELS, 0), ofLabels).value();
            var text = Fixtures.doubles(hidden.value().select(0, 0));
            var label = Fixtures.doubles(labels.select(0, 6L)); // The second label's first token, in rows of 6.
            assertThat(head.forward(hidden, context)
                            .value()
                            .select(0, 0)
                            .select(0, 1)
                            .item_double())
                    .isCloseTo(cosine(text, label) / TEMPERATURE, within(1e-4));
        }
    }

    @Test
    void aTemperatureThatIsNotAboveZeroIsRefused() {
        assertThatThrownBy(() -> new LabelEmbeddings(0, Embedder.BASE, List.of()))
                .isInstanceOf(InputException.class)
                .hasMessage("The temperature of label embeddings is 0.0; it must be above 0.");
    }
}
