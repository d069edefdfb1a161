package dev.espalier.adapter;

import dev.espalier.allocation.Cost;
import dev.espalier.allocation.MatrixShape;

/**
 * What the experts of a module and its router cost in trained weights. A router that several modules share is counted for
 * each of them, for none of them knows the others.
 */
record MixtureCost(MixtureSpec spec) implements Cost {
    @Override
    public long weights(MatrixShape shape, int count) {
        return count == 0 ? 0 : experts(shape, count) + router(shape, count);
    }

    private long experts(MatrixShape shape, int count) {
        long rank = spec.experts().rank();
        long universal = spec.stages().universal() ? rank * (shape.in() + shape.out()) : 0;
        return universal
                + switch (spec.experts().kind()) {
                    case SCALE -> (long) count * shape.out();
                    case SHARED_A -> rank * shape.in() + count * rank * shape.out();
                    case LORA, BOTTLENECK -> count * rank * (shape.in() + shape.out());
                };
    }

    private long router(MatrixShape shape, int count) {
        var routing = spec.routing();
        return switch (routing.scorer()) {
            case TASK, RANDOM -> 0;
            case STATIC -> count;
            case TOKEN, SEQUENCE, LAYER, MODULES ->
                count == 1 && !routing.soleRouter() ? 0 : scorer(shape, count) + threshold(shape);
        };
    }

    private long scorer(MatrixShape shape, int count) {
        boolean universal = spec.stages().universal() && !spec.stages().residual();
        long weighed = universal ? count + 1 : count;
        long gates = spec.routing().perRank() ? weighed * spec.experts().rank() : weighed;
        var form = spec.routing().form();
        return form.kind() == RouterForm.Kind.MLP ? form.hidden() * (shape.in() + gates) : gates * shape.in();
    }

    private long threshold(MatrixShape shape) {
        return spec.routing().choice() == MixtureSpec.Choice.LEARNED_THRESHOLD ? shape.in() + 1 : 0;
    }
}
