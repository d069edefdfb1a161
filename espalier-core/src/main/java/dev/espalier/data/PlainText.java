package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.text.template.Rendering.Span;
import java.util.List;

/**
 * Examples as texts without a chat template. Instructions are written as
 * <a href="https://github.com/tatsu-lab/stanford_alpaca#data-release">Alpaca</a> does.
 */
final class PlainText {
    private static final String WITH_CONTEXT = """
            Below is an instruction that describes a task, paired with an input that provides further context. Write a \
            response that appropriately completes the request.

            ### Instruction:
            %s

            ### Input:
            %s

            ### Response:
            """;

    private static final String ALONE = """
            Below is an instruction that describes a task. Write a response that appropriately completes the request.

            ### Instruction:
            %s

            ### Response:
            """;

    private PlainText() {}

    /** The text of an input and the response to it. */
    static Written written(Input input, String response, Origin origin) {
        var prompt = before(input, origin);
        return new Written(
                prompt + response, List.of(new Span(prompt.length(), prompt.length() + response.length())), false);
    }

    /** What a model goes on from. A space at the end is left out: tokenizers write it with the word that follows. */
    static String prompt(Input input, Origin origin) {
        var text = before(input, origin);
        return input instanceof Input.Prompt prompt && prompt.separator().equals(" ")
                ? text.substring(0, text.length() - 1)
                : text;
    }

    private static String before(Input input, Origin origin) {
        if (input instanceof Input.Prompt prompt) {
            return prompt.text() + prompt.separator();
        }
        if (input instanceof Input.Instruction one) {
            return one.context()
                    .map(context -> WITH_CONTEXT.formatted(one.instruction(), context))
                    .orElseGet(() -> ALONE.formatted(one.instruction()));
        }
        if (input instanceof Input.Text text) {
            return text.text();
        }
        if (input instanceof Input.Chat) {
            throw new InputException(origin + ": the model has no chat template to write a conversation with; choose a"
                    + " model that was made for conversations, or name a template's file with chat-template.");
        }
        throw new InputException(origin + ": neither words nor pairs of texts can be written as a prompt.");
    }
}
