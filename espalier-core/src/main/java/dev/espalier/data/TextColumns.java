package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.text.Message;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The columns that hold the texts of a causal language model.
 *
 * @param first the conversation, instruction, prompt, input or text
 * @param context an instruction's input
 * @param response what answers it
 * @param extra the tools of a conversation, or the candidates of a choice
 */
record TextColumns(
        TextFormat format, String first, Optional<String> context, Optional<String> response, Optional<String> extra) {
    static final List<String> MESSAGES = List.of("messages", "conversations", "conversation");
    static final List<String> INSTRUCTION = List.of("instruction");
    static final List<String> CONTEXT = List.of("input", "context");
    static final List<String> PROMPT = List.of("prompt", "question");
    static final List<String> RESPONSE = List.of("completion", "response", "output", "answer");
    private static final List<String> INPUT = List.of("input");
    private static final List<String> TEXT = List.of("text");
    private static final List<String> TOOLS = List.of("tools");
    private static final List<String> CANDIDATES = List.of("candidates");

    /** Whether the columns can be nothing but a causal language model's. */
    static boolean fit(ColumnNames names, TaskSpec spec) {
        var columns = spec.columns();
        if (spec.causalLm().format() != null || columns.messages() != null || columns.response() != null) {
            return true;
        }
        boolean answered = names.find("response", null, RESPONSE).isPresent();
        return names.find("messages", null, MESSAGES).isPresent()
                || answered && names.find("prompt", null, INSTRUCTION).isPresent()
                || answered && names.find("prompt", columns.prompt(), PROMPT).isPresent();
    }

    static TextColumns find(ColumnNames names, TaskSpec spec) {
        var columns = spec.columns();
        var given = spec.causalLm().format();
        var format = given != null ? given : guess(names, columns);
        var response = format == TextFormat.CHAT || format == TextFormat.TEXT
                ? Optional.<String>empty()
                : Optional.of(names.need("response", columns.response(), RESPONSE));
        var first =
                switch (format) {
                    case CHAT -> names.need("messages", columns.messages(), MESSAGES);
                    case INSTRUCTION -> names.need("prompt", columns.prompt(), INSTRUCTION);
                    case PROMPT_COMPLETION -> names.need("prompt", columns.prompt(), PROMPT);
                    case INPUT_OUTPUT -> names.need("text", columns.text(), INPUT);
                    case TEXT -> names.need("text", columns.text(), TEXT);
                };
        return new TextColumns(
                format,
                first,
                format == TextFormat.INSTRUCTION ? names.find("context", columns.context(), CONTEXT) : Optional.empty(),
                response,
                format == TextFormat.CHAT
                        ? names.find("tools", null, TOOLS)
                        : format == TextFormat.INPUT_OUTPUT
                                ? names.find("candidates", null, CANDIDATES)
                                : Optional.empty());
    }

    private static TextFormat guess(ColumnNames names, Columns columns) {
        if (names.find("messages", columns.messages(), MESSAGES).isPresent()) {
            return TextFormat.CHAT;
        }
        if (names.find("response", columns.response(), RESPONSE).isPresent()) {
            if (columns.prompt() == null
                    && names.find("prompt", null, INSTRUCTION).isPresent()) {
                return TextFormat.INSTRUCTION;
            }
            if (names.find("prompt", columns.prompt(), PROMPT).isPresent()) {
                return TextFormat.PROMPT_COMPLETION;
            }
            if (names.find("text", columns.text(), INPUT).isPresent()) {
                return TextFormat.INPUT_OUTPUT;
            }
        }
        if (names.find("text", columns.text(), TEXT).isPresent()) {
            return TextFormat.TEXT;
        }
        throw new InputException(names.where() + " has no columns that a causal language model learns from (messages;"
                + " instruction and output; prompt and completion; input and output; text); its columns are "
                + String.join(", ", names.present()) + "; name the right ones with columns.");
    }

    /** Every column that is read. */
    List<String> columns() {
        return Stream.of(Optional.of(first), context, response, extra)
                .flatMap(Optional::stream)
                .toList();
    }

    /** Those that hold more than texts. */
    Set<String> nested() {
        return format == TextFormat.CHAT ? Set.copyOf(columns()) : Set.of();
    }

    Example example(Row row) {
        return switch (format) {
            case CHAT -> conversation(row);
            case INSTRUCTION ->
                new Example(
                        new Input.Instruction(
                                row.text(first), context.filter(row::filled).map(row::text)),
                        response(row),
                        row.origin());
            case PROMPT_COMPLETION -> new Example(new Input.Prompt(row.text(first), ""), response(row), row.origin());
            case INPUT_OUTPUT ->
                extra.filter(row::filled)
                        .map(candidates -> choice(row, candidates))
                        .orElseGet(() ->
                                new Example(new Input.Prompt(row.text(first), "\n"), response(row), row.origin()));
            case TEXT -> new Example(new Input.Text(row.text(first)), new Target.Itself(), row.origin());
        };
    }

    private Example conversation(Row row) {
        var messages = Conversations.read(row, first);
        Map<String, Object> variables = extra.flatMap(column -> Conversations.tools(row, column))
                .map(tools -> Map.of("tools", tools))
                .orElse(Map.of());
        int last = messages.size() - 1;
        return new Example(
                new Input.Chat(messages.subList(0, last), variables),
                new Target.Response(messages.get(last)),
                row.origin());
    }

    private Example choice(Row row, String candidates) {
        var response = row.text(this.response.orElseThrow());
        var all = row.list(candidates, ",");
        if (!all.contains(response)) {
            throw row.wrong(candidates, "does not hold the right answer '" + response + "'");
        }
        return new Example(
                new Input.Prompt(row.text(first), " "), new Target.Choice(all.indexOf(response), all), row.origin());
    }

    private Target response(Row row) {
        return new Target.Response(Message.assistant(row.text(response.orElseThrow())));
    }
}
