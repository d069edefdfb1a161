package dev.espalier.model;

import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;

/** {@code act(gate) · up}, the middle of a gated feed-forward part (Shazeer, arXiv 2002.05202). */
record GatedActivation(Activation activation) {
    /** Both inputs and the result are {@code [rows * tokens, features]}. */
    Variable forward(Variable gate, Variable up, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.NORM_AND_ACTIVATION)) {
            var g = tape.save(gate.value());
            var u = tape.save(up.value());
            var activated = tape.save(activation.value(g));
            boolean requiresGrad = gate.requiresGrad() || up.requiresGrad();
            return tape.record(scope, activated.mul(u), requiresGrad, dY -> {
                up.accumulate(dY.mul(activated));
                if (gate.requiresGrad()) {
                    gate.accumulate(activation.gradient(dY.mul(u), g));
                }
            });
        }
    }
}
