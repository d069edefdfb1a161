package dev.espalier.cli.recipe;

import dev.espalier.data.CausalOptions;
import dev.espalier.data.LossOn;
import dev.espalier.data.TextFormat;
import dev.espalier.data.TooLong;
import org.jspecify.annotations.Nullable;

/** How a task's rows become texts; see {@link CausalOptions}, which it becomes. */
public record CausalLmSection(
        @Key(value = "How the rows are built; by default guessed from the columns.", example = "chat") @Nullable TextFormat format,

        @Key(
                value =
                        "The model's own template by default, if it has one; or none for plain texts, the name of another of the model's, or a .jinja file.",
                example = "none")
        @Nullable String chatTemplate,

        @Key("Which tokens are learned; responses with what ends each.")
        LossOn lossOn,

        @Key(
                "What becomes of examples with more than max-tokens; truncate cuts the oldest turns, then the beginning of the prompt, and never the response.")
        TooLong tooLong) {
    static final CausalLmSection DEFAULT = new CausalLmSection(
            CausalOptions.DEFAULT.format(),
            CausalOptions.DEFAULT.chatTemplate(),
            CausalOptions.DEFAULT.lossOn(),
            CausalOptions.DEFAULT.tooLong());

    CausalOptions options() {
        return new CausalOptions(format, chatTemplate, lossOn, tooLong);
    }
}
