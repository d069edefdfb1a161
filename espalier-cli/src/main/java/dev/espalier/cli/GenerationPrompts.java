package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.generate.Prompt;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes of rows what a model is asked: a prompt, for which adapter, and what ends the answer. */
final class GenerationPrompts {
    private final TextModel opened;
    private final boolean chat;
    private final Optional<String> system;
    private final Map<Optional<String>, Chat> chats = new HashMap<>();

    /**
     * What a row asks.
     *
     * @param adapter the name of one on the model; empty for the bare model
     * @param stops the tokens that end the answer
     */
    record Asked(GenerationRow row, Prompt prompt, Optional<String> adapter, Set<Integer> stops) {}

    /** How an adapter's conversations are written, and what ends a turn. */
    private record Chat(ChatTemplate template, Set<Integer> stops) {}

    /**
     * @param chat whether prompts are turns of a conversation
     * @param system the message that conversations begin with; with it all prompts are turns
     */
    GenerationPrompts(TextModel opened, boolean chat, Optional<String> system) {
        this.opened = opened;
        this.chat = chat || system.isPresent();
        this.system = system;
    }

    /**
     * What all rows ask.
     *
     * @throws InputException for a row whose adapter is not there or whose prompt leaves no room for an answer, and if
     *     there are adapters but no row uses one
     */
    List<Asked> of(List<GenerationRow> rows) {
        var asked = new ArrayList<Asked>();
        for (var row : rows) {
            asked.add(asked(asked.size() + 1, row));
        }
        var names = opened.adapters().keySet();
        if (!names.isEmpty() && asked.stream().allMatch(one -> one.adapter().isEmpty())) {
            throw new InputException("No row names an adapter, so " + String.join(", ", names)
                    + " would not be used; write \"adapter\": \"NAME\" into rows, or give the adapter for all of them"
                    + " without a name: --adapter DIR.");
        }
        return asked;
    }

    /** @param place counts rows from 1; draws depend on it */
    private Asked asked(int place, GenerationRow row) {
        var adapter = adapter(row);
        Asked asked;
        if (chat || row.isChat()) {
            var form = chats.computeIfAbsent(adapter, this::chat);
            var prompt = Prompt.chat(place, messages(row), form.template(), opened.tokenizer(), row.where());
            asked = new Asked(row, prompt, adapter, form.stops());
        } else {
            var prompt = Prompt.text(place, row.prompt(), opened.tokenizer(), row.where());
            asked = new Asked(row, prompt, adapter, opened.stopTokens(Optional.empty()));
        }
        asked.prompt().requireRoom(opened.model().maxTokens());
        return asked;
    }

    private Chat chat(Optional<String> adapter) {
        var template = opened.chatTemplate(adapter);
        return new Chat(template, opened.stopTokens(Optional.of(template)));
    }

    private List<Message> messages(GenerationRow row) {
        var messages = new ArrayList<Message>();
        system.ifPresent(text -> messages.add(new Message("system", text)));
        messages.addAll(row.isChat() ? row.messages() : List.of(Message.user(row.prompt())));
        return messages;
    }

    private Optional<String> adapter(GenerationRow row) {
        var names = opened.adapters().keySet();
        if (row.adapter().isEmpty()) {
            return Optional.of(TextModelOptions.DEFAULT).filter(names::contains);
        }
        var name = row.adapter().get();
        if (!names.contains(name)) {
            throw new InputException(row.where() + ": there is no adapter '" + name + "'; "
                    + (names.isEmpty()
                            ? "give it by --adapter " + name + "=DIR."
                            : "did you mean '" + Nearest.to(name, names, 1).get(0) + "'? --adapter gives "
                                    + String.join(", ", names) + "."));
        }
        return row.adapter();
    }
}
