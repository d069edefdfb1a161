package dev.espalier.cli;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.CausalOptions;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.generate.StopTokens;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.route.RoutedLibrary;
import dev.espalier.tensor.Engine;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.TextTokenizer;
import dev.espalier.train.AdaptedTask;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A causal language model with its tokenizer and perhaps adapters.
 *
 * @param adapters by the names they are attached under, in the order they were given
 * @param library whose adapters are one of these together, where there is one; it owns the model then
 */
record TextModel(
        Path folder,
        DecoderModel model,
        TextTokenizer tokenizer,
        Map<String, Loaded> adapters,
        Optional<RoutedLibrary> library)
        implements AutoCloseable {
    /**
     * An adapter on the model.
     *
     * @param form how its rows became texts in training
     */
    record Loaded(Adapter adapter, Optional<CausalOptions> form) {
        static Loaded of(String name, AdapterFolder saved, DecoderModel model) {
            var form = saved.card().heads().stream()
                    .flatMap(head -> head.causalLm().stream())
                    .findFirst();
            return new Loaded(saved.load(name, model), form);
        }
    }

    static TextModel open(String name, Map<String, AdapterFolder> saved, String dtype) {
        var folder = ModelLocator.locate(name);
        var model = AutoModel.decoder(folder, Engine.dtype(dtype));
        var adapters = new LinkedHashMap<String, Loaded>();
        try {
            saved.forEach((adapter, files) -> adapters.put(adapter, Loaded.of(adapter, files, model)));
            return new TextModel(folder, model, TextTokenizer.open(folder), adapters, Optional.empty());
        } catch (RuntimeException e) {
            adapters.values().forEach(loaded -> loaded.adapter().close());
            model.close();
            throw e;
        }
    }

    /**
     * A library's model.
     *
     * @param library closed with this, or here if it is one of encoders
     * @param name that all of its adapters have together
     */
    static TextModel of(RoutedLibrary library, String name) {
        var adapted = library.model();
        if (!(adapted.model() instanceof DecoderModel model)) {
            library.close();
            throw new InputException("The library's base model " + library.baseModel()
                    + " is not a causal language model, which is needed here; use espalier predict.");
        }
        var form = adapted.tasks().stream()
                .filter(task -> task.kind() == TaskKind.CAUSAL_LM)
                .map(AdaptedTask::causalLm)
                .findFirst();
        var adapters = Map.of(name, new Loaded(adapted.adapter(), form));
        return new TextModel(library.baseModel(), model, adapted.tokenizer(), adapters, Optional.of(library));
    }

    /**
     * The template that the adapter was trained with, else the model's own.
     *
     * @param adapter the name of one of the adapters; empty for the bare model
     * @throws InputException if there is none
     */
    ChatTemplate chatTemplate(Optional<String> adapter) {
        return adapter.flatMap(name -> Optional.ofNullable(adapters.get(name)))
                .flatMap(Loaded::form)
                .flatMap(options -> options.template(folder))
                .or(() -> ChatTemplate.open(folder))
                .orElseThrow(() -> new InputException("The model in " + folder
                        + " has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json);"
                        + " use one that was trained on conversations, or espalier generate with plain prompts."));
    }

    /** The ids that end a text, or a turn of {@code template}. */
    Set<Integer> stopTokens(Optional<ChatTemplate> template) {
        return template.map(chat -> StopTokens.of(folder, tokenizer, chat))
                .orElseGet(() -> StopTokens.of(folder, tokenizer));
    }

    @Override
    public void close() {
        if (library.isPresent()) {
            library.get().close();
            return;
        }
        adapters.values().forEach(loaded -> loaded.adapter().close());
        tokenizer.close();
        model.close();
    }
}
