package dev.espalier.cli.recipe;

import dev.espalier.tensor.Engine;
import java.util.Locale;

/** Number types of frozen weights. */
public enum Dtype {
    FP32,
    BF16;

    /** The default here. */
    static Dtype usual() {
        return valueOf(Engine.usualDtype().toUpperCase(Locale.ROOT));
    }
}
