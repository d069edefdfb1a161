package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.BitSet;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** What enters the lowest layer with something to train: read where it is known, else computed as in evaluation. */
final class FrozenPrefix {
    private FrozenPrefix() {}

    /**
     * The states of a batch, {@code [rows * tokens, hidden]}; 0 in the padding of rows that were read.
     *
     * @param context has the batch's layout
     */
    static Variable of(LanguageModel model, Batch batch, PrefixStates known, ForwardContext context) {
        try (var scope = Scope.open()) {
            var missing = missing(batch, known);
            var states = missing.length == batch.rows()
                    ? computed(model, batch, known.layer(), context.tape())
                    : put(model, batch, missing, known, context.tape());
            return context.tape().constant(scope.keep(states));
        }
    }

    /** The rows that hold a sequence whose states are not known. */
    private static int[] missing(Batch batch, PrefixStates known) {
        var rows = new BitSet();
        var segments = batch.layout().segments();
        for (int i = 0; i < segments.size(); i++) {
            if (!known.holds(batch.task(), batch.exampleIds()[i])) {
                rows.set(segments.get(i).row());
            }
        }
        return rows.stream().toArray();
    }

    private static Tensor put(LanguageModel model, Batch batch, int[] missing, PrefixStates known, Tape tape) {
        var layout = batch.layout();
        long[] shape = {(long) layout.rows() * layout.tokens(), model.hiddenSize()};
        var states = torch.zeros(shape, new TensorOptions(model.dtype()));
        try (var scope = tape.scope(Part.DATA)) {
            for (int i = 0; i < layout.segments().size(); i++) {
                var segment = layout.segments().get(i);
                long example = batch.exampleIds()[i];
                if (known.holds(batch.task(), example)) {
                    var to = states.narrow(0, layout.first(segment), segment.length());
                    known.read(batch.task(), example, to);
                }
            }
        }
        if (missing.length > 0) {
            var part = batch.rows(missing);
            var own = computed(model, part, known.layer(), tape).view(part.rows(), part.tokens(), -1);
            states.view(layout.rows(), layout.tokens(), -1)
                    .narrow(1, 0, part.tokens())
                    .index_copy_(0, torch.tensor(longs(missing)), own);
        }
        return states;
    }

    private static long[] longs(int[] values) {
        var longs = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            longs[i] = values[i];
        }
        return longs;
    }

    private static Tensor computed(LanguageModel model, Batch batch, int layer, Tape tape) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(tape.unrecorded(), batch.layout())
                        .tasks(batch.tasks())) {
            return scope.keep(model.entering(layer, batch, context).value());
        }
    }
}
