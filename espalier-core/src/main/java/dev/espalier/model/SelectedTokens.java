package dev.espalier.model;

import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a pass that an adapter acts on: those of the sequences it was chosen for. A delta gets them without the
 * others, as sequences packed one after another, so that it computes what it would for these sequences alone.
 */
final class SelectedTokens {
    private final Tensor places;
    private final ForwardContext context;

    /**
     * @param places of the tokens among {@code rows * tokens}, int64; lives as long as the pass
     * @param context of these tokens alone
     */
    SelectedTokens(Tensor places, ForwardContext context) {
        this.places = places;
        this.context = context;
    }

    /** As {@link LinearDelta#forward}, for these tokens of {@code x} and {@code y}. */
    Delta.@Nullable Backward apply(LinearDelta delta, Linear linear, Variable x, Tensor y) {
        var tape = context.tape();
        var values = torch.index_select(x.value(), 0, places);
        var part = x.requiresGrad() ? tape.input(values) : tape.constant(values);
        var mine = torch.index_select(y, 0, places);
        var backward = delta.forward(linear, part, mine, context);
        y.index_copy_(0, places, mine);
        if (backward == null) {
            return null;
        }
        var shape = x.value().shape();
        return dY -> {
            var before = run(backward, dY);
            var dX = part.gradient();
            if (dX != null) {
                var all = torch.zeros(shape, dX.options());
                all.index_copy_(0, places, dX);
                x.accumulate(all);
            }
            return before;
        };
    }

    /** As {@link EmbeddingDelta#forward}, for these tokens of {@code numbers} and {@code y}. */
    Delta.@Nullable Backward apply(EmbeddingDelta delta, Tensor numbers, Tensor y) {
        var mine = torch.index_select(y, 0, places);
        var backward = delta.forward(context.tape().save(torch.index_select(numbers, 0, places)), mine, context);
        y.index_copy_(0, places, mine);
        return backward == null ? null : dY -> run(backward, dY);
    }

    /** These tokens of {@code mine}, the others of {@code others}; all of the pass {@code whole}. */
    Variable choose(Variable others, Variable mine, ForwardContext whole) {
        var tape = whole.tape();
        try (var scope = Scope.open()) {
            var y = others.value().clone();
            y.index_copy_(0, places, torch.index_select(mine.value(), 0, places));
            var shape = y.shape();
            return tape.record(scope, y, others.requiresGrad() || mine.requiresGrad(), dY -> {
                var ofMine = torch.zeros(shape, dY.options());
                ofMine.index_copy_(0, places, torch.index_select(dY, 0, places));
                others.accumulate(dY.sub(ofMine));
                mine.accumulate(ofMine);
            });
        }
    }

    private Tensor run(Delta.Backward backward, Tensor dY) {
        var mine = torch.index_select(dY, 0, places);
        var before = backward.run(mine);
        if (before == mine) {
            return dY;
        }
        var all = dY.clone();
        all.index_copy_(0, places, before);
        return all;
    }
}
