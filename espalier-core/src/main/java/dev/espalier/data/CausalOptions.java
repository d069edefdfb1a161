package dev.espalier.data;

import dev.espalier.text.ChatTemplate;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a task's rows become texts for a causal language model; a part of a recipe's task, with kebab-case keys.
 *
 * @param format how the rows are built; by default guessed from the columns
 * @param chatTemplate {@code none} to write plain texts, the name of one of the model's chat templates, or a file that
 *     ends with {@code .jinja}; by default the model's own template, if it has one
 * @param lossOn the tokens that are learned
 * @param tooLong what becomes of examples with too many tokens
 */
public record CausalOptions(
        @Nullable TextFormat format, @Nullable String chatTemplate, LossOn lossOn, TooLong tooLong) {
    /** Format and template as they come, loss on responses, too long examples left out. */
    public static final CausalOptions DEFAULT = new CausalOptions(null, null, LossOn.RESPONSES, TooLong.SKIP);

    public CausalOptions {
        lossOn = lossOn == null ? LossOn.RESPONSES : lossOn;
        tooLong = tooLong == null ? TooLong.SKIP : tooLong;
    }

    /** The same with this format. */
    public CausalOptions withFormat(TextFormat given) {
        return new CausalOptions(given, chatTemplate, lossOn, tooLong);
    }

    /** The same with loss on these tokens. */
    public CausalOptions withLossOn(LossOn given) {
        return new CausalOptions(format, chatTemplate, given, tooLong);
    }

    /** The same with too long examples treated so. */
    public CausalOptions withTooLong(TooLong given) {
        return new CausalOptions(format, chatTemplate, lossOn, given);
    }

    /** The same, with a template's file found from {@code folder}. */
    public CausalOptions in(Path folder) {
        return templateFile()
                .map(file -> withTemplate(folder.resolve(file).toAbsolutePath().toString()))
                .orElse(this);
    }

    /** The file of the chat template, where it is one. */
    public Optional<Path> templateFile() {
        return Optional.ofNullable(chatTemplate)
                .filter(name -> name.endsWith(".jinja"))
                .map(Path::of);
    }

    /** The same with this chat template. */
    public CausalOptions withTemplate(String given) {
        return new CausalOptions(format, given, lossOn, tooLong);
    }

    /**
     * The chat template that is asked for; empty for plain texts.
     *
     * @param model the model folder
     * @throws dev.espalier.error.InputException if there is no such template, or it cannot be read
     */
    public Optional<ChatTemplate> template(Path model) {
        if (chatTemplate == null) {
            return ChatTemplate.open(model);
        }
        if (chatTemplate.equals("none")) {
            return Optional.empty();
        }
        return Optional.of(templateFile()
                .map(file -> ChatTemplate.read(file, model))
                .orElseGet(() -> ChatTemplate.open(model, chatTemplate)));
    }
}
