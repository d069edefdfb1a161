package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.TaskLoss;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class AdapterTest {
    private static final MixtureSpec SIRA =
            Mixtures.sira().with(m -> m.experts(4).topK(2).rank(2).auxiliaryCoefficient(.5));

    @Test
    void disabledDetachedOrClosedItLeavesTheBaseAsItWasToTheBit() {
        try (var base = new TinyModel()) {
            base.addHead("", 3);
            var plain = base.logits();
            var adapter = Adapter.create("a", SIRA, base.model(), RandomStream.of(1));
            assertThat(base.logits()).as("a new B is zero").isEqualTo(plain);
            TinyModel.scramble(adapter);
            var adapted = base.logits();
            assertThat(adapted).isNotEqualTo(plain);
            adapter.disable();
            assertThat(adapter.isEnabled()).isFalse();
            assertThat(base.logits()).isEqualTo(plain);
            adapter.enable();
            assertThat(base.logits()).isEqualTo(adapted);
            adapter.detach();
            assertThat(base.logits()).isEqualTo(plain);
            assertThatThrownBy(adapter::enable).isInstanceOf(IllegalStateException.class);
            adapter.attach(base.model());
            assertThat(base.logits()).isEqualTo(adapted);
            adapter.close();
            assertThat(base.logits()).isEqualTo(plain);
        }
    }

    @Test
    void itOutlivesItsModelAndGoesOnAnother() {
        var first = new TinyModel();
        first.addHead("", 3);
        var spec = LoraSpec.defaults().withDora(true);
        try (var adapter = Adapter.create("a", spec, first.model(), RandomStream.of(1))) {
            TinyModel.scramble(adapter);
            var adapted = first.logits();
            adapter.detach();
            first.close();
            try (var second = new TinyModel()) {
                second.addHead("", 3);
                adapter.attach(second.model());
                assertThat(second.logits()).isEqualTo(adapted);
                adapter.detach();
            }
        }
    }

    @Test
    void severalAdaptersActTogetherAndApart() {
        try (var base = new TinyModel();
                var a = Adapter.create("a", LoraSpec.defaults(), base.model(), RandomStream.of(1));
                var b = Adapter.create("b", SIRA, base.model(), RandomStream.of(2))) {
            base.addHead("", 3);
            TinyModel.scramble(a);
            TinyModel.scramble(b);
            var both = base.logits();
            b.disable();
            var onlyA = base.logits();
            a.disable();
            b.enable();
            var onlyB = base.logits();
            assertThat(both).isNotEqualTo(onlyA);
            assertThat(onlyA).isNotEqualTo(onlyB);
            b.disable();
            a.enable();
            b.enable();
            assertThat(base.logits()).isEqualTo(both);
            assertThat(a.parameters())
                    .extracting(Parameter::name)
                    .doesNotContainAnyElementsOf(
                            b.parameters().stream().map(Parameter::name).toList());
        }
    }

    @Test
    void twoOfOneNameDoNotGoOnOneModel() {
        try (var base = new TinyModel();
                var a = Adapter.create("a", SIRA, base.model(), RandomStream.of(1))) {
            assertThat(a.isEnabled()).isTrue();
            assertThatThrownBy(() -> Adapter.create("a", SIRA, base.model(), RandomStream.of(2)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("'a'");
        }
    }

    /** In fp64: how the sums of the parts round does not count. */
    @Test
    void aBatchInTwoPartsGivesTheSameLossAuxiliaryLossAndGradients() {
        try (var base = new TinyModel(ScalarType.Double);
                var adapter = Adapter.create("a", SIRA.with(m -> m.dropout(.3)), base.model(), RandomStream.of(1))) {
            base.addHead("", 3);
            TinyModel.scramble(adapter);
            try (var whole = new Gradients(adapter.parameters());
                    var parts = new Gradients(adapter.parameters())) {
                double expected = step(base, List.of(base.batch()), whole);
                var halves = base.batch().split(2);
                assertThat(halves).hasSize(2);
                assertThat(step(base, halves, parts)).isCloseTo(expected, within(1e-5));
                adapter.parameters().forEach(p -> assertClose(p.name(), parts.of(p), whole.of(p), 1e-4, 1e-6));
                assertThat(whole.byName().values()).allMatch(g -> g.norm().item_double() > 0);
            }
        }
    }

    /** Loss and auxiliary loss of a training step; the gradients go to {@code gradients}. */
    private static double step(TinyModel base, List<Batch> parts, Gradients gradients) {
        int rows = parts.stream().mapToInt(Batch::rows).sum();
        double loss = 0;
        for (var part : parts) {
            var training = new ForwardContext.Training(RandomStream.of(7), part.exampleIds(), rows);
            try (var scope = Scope.open();
                    var context = ForwardContext.training(Tape.recording(gradients), part.layout(), training)) {
                var head = Objects.requireNonNull(base.model().heads().get(""));
                var logits = base.model().logits(head, part, context);
                var result = TaskLoss.of(TaskKind.SINGLE_LABEL, logits, part, 1.0 / rows, context);
                context.tape().backward(result);
                loss += result.value().item_double() + context.auxiliaryLoss();
            }
        }
        return loss;
    }

    @Test
    void trainedWeightsAreThoseOfTheFormula() {
        try (var base = new TinyModel();
                var sira = Adapter.create("a", Mixtures.sira(), base.model(), RandomStream.of(1));
                var lora = Adapter.create("b", LoraSpec.defaults().withRank(72), base.model(), RandomStream.of(1))) {
            // Four modules of [64, 64]: 16 experts of rank 4 and their router are as large as rank 72.
            assertThat(sira.trainedWeights()).isEqualTo(4 * (16 * 4 * 128 + 16 * 64));
            assertThat(lora.trainedWeights()).isEqualTo(sira.trainedWeights());
        }
    }
}
