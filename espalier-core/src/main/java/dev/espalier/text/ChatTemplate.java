package dev.espalier.text;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.text.template.Rendering;
import dev.espalier.text.template.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * How a model's conversations are written as one text, as {@code apply_chat_template} of transformers does
 * (<a href="https://huggingface.co/docs/transformers/chat_templating">documentation</a>). The text holds the special
 * tokens already, also the first: it is encoded with {@link TextTokenizer#encodeSpans} without adding any. Safe to use
 * from several threads.
 */
public final class ChatTemplate {
    private static final String DEFAULT = "default";

    private final Template template;
    private final Map<String, String> tokens;
    private final Clock clock;

    private ChatTemplate(Template template, Map<String, String> tokens, Clock clock) {
        this.template = template;
        this.tokens = tokens;
        this.clock = clock;
    }

    /**
     * The chat template of a model folder: {@code chat_template.jinja}, else {@code chat_template} of
     * {@code tokenizer_config.json}; of several the one called {@code default}.
     *
     * @throws InputException if there are several and none is called so, or the template cannot be read
     */
    public static Optional<ChatTemplate> open(Path folder) {
        var templates = sources(folder);
        if (templates.isEmpty()) {
            return Optional.empty();
        }
        if (!templates.containsKey(DEFAULT)) {
            throw new InputException(folder + " has several chat templates and none of them is the default: "
                    + String.join(", ", templates.keySet()) + "; name one.");
        }
        return Optional.of(open(folder, DEFAULT));
    }

    /**
     * The chat template of this name, as a {@code chat_template} that is a list or the files in
     * {@code additional_chat_templates} have it.
     *
     * @throws InputException if there is none of this name, with those there are
     */
    public static ChatTemplate open(Path folder, String name) {
        var templates = sources(folder);
        var source = templates.get(name);
        if (source == null) {
            throw new InputException(folder + " has no chat template '" + name + "'; it has "
                    + (templates.isEmpty() ? "none" : String.join(", ", templates.keySet())) + ".");
        }
        return new ChatTemplate(
                Template.parse(source.where(), source.text()),
                SpecialTokens.open(folder).tokens(),
                Clock.systemDefaultZone());
    }

    /**
     * A template that stands in a file of its own, for the model of a folder.
     *
     * @param file the template, in the Jinja language
     * @param folder the model folder, which names the special tokens
     */
    public static ChatTemplate read(Path file, Path folder) {
        return new ChatTemplate(
                Template.parse(file.toString(), text(file)),
                SpecialTokens.open(folder).tokens(),
                Clock.systemDefaultZone());
    }

    /** The same template, told another time: a template may write today's date. */
    public ChatTemplate at(Clock given) {
        return new ChatTemplate(template, tokens, given);
    }

    /** As {@link #render(List, boolean, Map)} with no other variables. */
    public Rendering render(List<Message> messages, boolean addGenerationPrompt) {
        return render(messages, addGenerationPrompt, Map.of());
    }

    /**
     * Writes a conversation.
     *
     * @param addGenerationPrompt whether the beginning of an assistant's turn follows, for a model to go on
     * @param variables what else the template may read, such as {@code tools} or {@code enable_thinking}
     * @throws InputException with template, line and message, if the template raises an exception or fails
     */
    public Rendering render(List<Message> messages, boolean addGenerationPrompt, Map<String, ?> variables) {
        var all = new HashMap<String, Object>(tokens);
        all.putAll(variables);
        all.put("messages", messages.stream().map(Message::fields).toList());
        all.put("add_generation_prompt", addGenerationPrompt);
        return template.render(all, clock);
    }

    /** A template's text and what messages call it. */
    private record Source(String where, String text) {}

    private static Map<String, Source> sources(Path folder) {
        var sources = new LinkedHashMap<String, Source>();
        var settings = folder.resolve("tokenizer_config.json");
        if (Files.exists(settings)) {
            var given = Json.read(settings).path("chat_template");
            for (var one : given.isArray() ? given : List.<JsonNode>of()) {
                var name = one.path("name").asString("");
                sources.put(
                        name,
                        new Source(
                                settings + ", chat template '" + name + "'",
                                one.path("template").asString("")));
            }
            if (given.isString()) {
                sources.put(DEFAULT, new Source(settings + ", chat_template", given.asString()));
            }
        }
        for (var file : files(folder.resolve("additional_chat_templates"))) {
            sources.put(
                    file.getFileName().toString().replaceFirst("\\.jinja$", ""),
                    new Source(file.toString(), text(file)));
        }
        var alone = folder.resolve("chat_template.jinja");
        if (Files.exists(alone)) {
            sources.put(DEFAULT, new Source(alone.toString(), text(alone)));
        }
        return sources;
    }

    private static List<Path> files(Path folder) {
        var files = new ArrayList<Path>();
        if (Files.isDirectory(folder)) {
            try (var found = Files.newDirectoryStream(folder, "*.jinja")) {
                found.forEach(files::add);
            } catch (IOException e) {
                throw new InputException("Cannot read " + folder + ": " + e.getMessage() + ".", e);
            }
        }
        return files.stream().sorted().toList();
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new InputException("There is no chat template " + file + ".", e);
        } catch (IOException e) {
            throw new InputException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }
}
