package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.template.Rendering;
import dev.espalier.text.template.Rendering.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Conversations as texts of a chat template, and where the assistant's turns stand in them. A template that marks them
 * with {@code generation} is believed. For any other the conversation is rendered once more up to each turn, with the
 * beginning of an answer: that must be how the whole begins, and there the turn starts. It ends where the whole goes on
 * otherwise than the conversation that ends with this turn.
 */
final class ChatText {
    private final ChatTemplate template;
    private final Origin origin;
    private final Map<String, Object> variables;

    ChatText(ChatTemplate template, Origin origin, Map<String, Object> variables) {
        this.template = template;
        this.origin = origin;
        this.variables = variables;
    }

    /** An input as a conversation: a prompt, or an instruction and its context, is what the user says. */
    static List<Message> messages(Input input, Origin origin) {
        if (input instanceof Input.Chat chat) {
            return chat.messages();
        }
        if (input instanceof Input.Prompt prompt) {
            return List.of(Message.user(prompt.text()));
        }
        if (input instanceof Input.Text text) {
            return List.of(Message.user(text.text()));
        }
        if (input instanceof Input.Instruction one) {
            return List.of(Message.user(one.instruction()
                    + one.context().map(context -> "\n\n" + context).orElse("")));
        }
        throw new InputException(origin + ": neither words nor pairs of texts can be written as a conversation.");
    }

    /** What a model goes on from. */
    String prompt(List<Message> messages) {
        return render(messages, true).text();
    }

    /** The whole conversation with its responses. */
    Written written(List<Message> messages) {
        var whole = render(messages, false);
        if (!whole.generated().isEmpty()) {
            return new Written(whole.text(), whole.generated(), true);
        }
        var responses = new ArrayList<Span>();
        for (int turn = 0; turn < messages.size(); turn++) {
            if (messages.get(turn).byAssistant()) {
                responses.add(response(messages, turn, whole.text()));
            }
        }
        return new Written(whole.text(), responses, true);
    }

    private Span response(List<Message> messages, int turn, String whole) {
        var before = prompt(messages.subList(0, turn));
        if (!whole.startsWith(before)) {
            throw unstable(turn, "what stands before it is written otherwise when it is asked for");
        }
        if (turn == messages.size() - 1) {
            return new Span(before.length(), whole.length());
        }
        var alone = render(messages.subList(0, turn + 1), false).text();
        if (whole.startsWith(alone)) {
            return new Span(before.length(), alone.length());
        }
        return new Span(before.length(), end(messages.get(turn), turn, before.length(), alone, whole));
    }

    /**
     * The end of a turn that a template writes otherwise when more follows, for example without its thoughts: its last
     * line is looked up, and what follows it in both texts alike belongs to the turn.
     */
    private int end(Message message, int turn, int start, String alone, String whole) {
        var line = message.content().strip();
        line = line.substring(line.lastIndexOf('\n') + 1).strip();
        int last = line.isEmpty() ? -1 : alone.lastIndexOf(line);
        if (last < start) {
            throw unstable(turn, "it is written otherwise when more turns follow");
        }
        var after = alone.substring(last + line.length());
        for (int at = whole.indexOf(line, start); at >= 0; at = whole.indexOf(line, at + 1)) {
            int end = at + line.length();
            int same = sameStart(after, whole, end);
            if (same > 0) {
                return end + same;
            }
        }
        throw unstable(turn, "its end is written otherwise when more turns follow");
    }

    private static int sameStart(String text, String whole, int from) {
        int same = 0;
        while (same < text.length() && from + same < whole.length() && text.charAt(same) == whole.charAt(from + same)) {
            same++;
        }
        return same;
    }

    private Rendering render(List<Message> messages, boolean addGenerationPrompt) {
        try {
            return template.render(messages, addGenerationPrompt, variables);
        } catch (InputException e) {
            throw new InputException(origin + ": " + e.getMessage(), e);
        }
    }

    private InputException unstable(int turn, String why) {
        return new InputException(origin + ": message " + (turn + 1)
                + " cannot be found in what the chat template writes, for " + why
                + "; use a template that marks responses with {% generation %}, or loss-on: all.");
    }
}
