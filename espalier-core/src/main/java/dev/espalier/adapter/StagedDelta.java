package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A delta that acts differently in each stage of a run; in use as in the last one. Its parts share their weights. */
final class StagedDelta implements LinearDelta {
    private final List<LinearDelta> byStage;
    private int stage;

    /** @param byStage what acts in each stage, at least one */
    StagedDelta(List<LinearDelta> byStage) {
        this.byStage = List.copyOf(byStage);
        stage = byStage.size() - 1;
    }

    /** Acts as in the stage at {@code place} from now on; not during a pass. */
    void enter(int place) {
        stage = place;
    }

    /** What acts in each stage. */
    List<LinearDelta> parts() {
        return byStage;
    }

    private LinearDelta current() {
        return byStage.get(stage);
    }

    @Override
    public boolean tokenwise() {
        return current().tokenwise();
    }

    @Override
    public Variable input(Variable x, ForwardContext context) {
        return current().input(x, context);
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        return current().forward(linear, x, y, context);
    }
}
