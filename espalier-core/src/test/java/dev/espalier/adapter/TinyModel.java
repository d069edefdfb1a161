package dev.espalier.adapter;

import dev.espalier.Fixtures;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.Objects;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The fixtures' small BERT, whose classifier has 3 labels, with its batch. */
final class TinyModel implements AutoCloseable {
    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final EncoderModel model;
    private final Batch batch;

    TinyModel() {
        this(ScalarType.Float);
    }

    TinyModel(ScalarType dtype) {
        model = AutoModel.encoder(Fixtures.path("models/bert_cls"), dtype);
        try (var expected = Fixtures.tensors("adapters/lora_cls/expected.safetensors")) {
            batch = Batches.of(expected);
        }
    }

    EncoderModel model() {
        return model;
    }

    Batch batch() {
        return batch;
    }

    Head addHead(String name, int labels) {
        return model.addHead(name, TaskKind.SINGLE_LABEL, labels, Pooling.DEFAULT, RandomStream.of(5));
    }

    /** What the head without name answers in evaluation. */
    double[] logits() {
        try (var step = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            var head = Objects.requireNonNull(model.heads().get(""));
            return Fixtures.doubles(model.logits(head, batch, context).value());
        }
    }

    /** Gives every weight of {@code adapter} a value: a new B is zero and would hide mistakes. */
    static void scramble(Adapter adapter) {
        for (var p : adapter.parameters()) {
            var value = p.value();
            value.copy_(Initialiser.normal(.2, RandomStream.of(11).at(p.name()), p.shape()));
        }
    }

    @Override
    public void close() {
        model.close();
        scope.close();
        guard.close();
    }
}
