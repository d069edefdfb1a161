package dev.espalier.model;

import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;

/**
 * Gradient checkpointing (Chen et al., arXiv 1604.06174): only a block's input is kept, and the block is computed again
 * when backward reaches it. Random draws are functions of names and positions, so both passes are the same.
 */
final class Checkpointing {
    private Checkpointing() {}

    /** A part of a model. */
    @FunctionalInterface
    interface Block {
        Variable forward(Variable x, ForwardContext context);
    }

    /**
     * Runs {@code block}.
     *
     * @param trains whether something inside the block is trained
     */
    static Variable run(Block block, boolean trains, Variable x, ForwardContext context) {
        var tape = context.tape();
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return block.forward(x, context);
        }
        try (var scope = Scope.open();
                var first = tape.unrecorded()) {
            var pass = context.on(first);
            var y = block.forward(first.constant(x.value()), pass);
            context.addAuxiliaryLoss(pass.auxiliaryLoss());
            pass.observations().forEach(context::observe);
            tape.save(x.value());
            return tape.record(scope, y.value(), true, dY -> {
                try (var second = tape.child()) {
                    var input = second.input(x.value());
                    second.backward(block.forward(input, context.on(second)), dY);
                    var gradient = input.gradient();
                    if (gradient != null) {
                        x.accumulate(gradient);
                    }
                }
            });
        }
    }
}
