package dev.espalier.cli;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.CausalOptions;
import dev.espalier.error.InputException;
import dev.espalier.generate.StopTokens;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.TextTokenizer;
import dev.espalier.train.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A causal language model with its tokenizer and perhaps an adapter. */
record TextModel(
        Path folder,
        DecoderModel model,
        TextTokenizer tokenizer,
        Optional<Adapter> adapter,
        Optional<CausalOptions> form)
        implements AutoCloseable {
    /** Which model. */
    static final class Options {
        @Option(
                names = "--model",
                paramLabel = "DIR",
                description = "The model's folder, or its name in the Hugging Face cache.")
        private @Nullable String model;

        @Option(
                names = "--adapter",
                paramLabel = "DIR",
                description = "The folder of an adapter or of a run; without --model, its base model is used.")
        private @Nullable Path adapter;

        @Option(
                names = "--dtype",
                paramLabel = "DTYPE",
                description = "Number type of the frozen weights: fp32 (the default) or bf16.",
                defaultValue = "fp32")
        private String dtype = "fp32";

        @SuppressWarnings("try") // guard and scope work by being open
        TextModel open() {
            try (var guard = Engine.enter(Engine.threads());
                    var scope = Scope.open()) {
                if (adapter == null) {
                    if (model == null) {
                        throw new InputException("There is no model; give one by --model, or an adapter by --adapter.");
                    }
                    return TextModel.open(model, Optional.empty(), dtype);
                }
                var own = new RunFolder(adapter).adapter();
                try (var saved = AdapterFolder.open(Files.isDirectory(own) ? own : adapter)) {
                    var base = model == null ? saved.card().baseModel() : model;
                    return TextModel.open(base, Optional.of(saved), dtype);
                }
            }
        }
    }

    private static TextModel open(String name, Optional<AdapterFolder> saved, String dtype) {
        var folder = ModelLocator.locate(name);
        var model = AutoModel.decoder(folder, Engine.dtype(dtype));
        try {
            var adapter = saved.map(adapterFolder -> adapterFolder.load("default", model));
            return new TextModel(folder, model, TextTokenizer.open(folder), adapter, saved.flatMap(TextModel::form));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** How the adapter's rows became texts in training. */
    private static Optional<CausalOptions> form(AdapterFolder saved) {
        return saved.card().heads().stream()
                .flatMap(head -> head.causalLm().stream())
                .findFirst();
    }

    /**
     * The template that the adapter was trained with, else the model's own.
     *
     * @throws InputException if there is none
     */
    ChatTemplate chatTemplate() {
        return form.flatMap(options -> options.template(folder))
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
        adapter.ifPresent(Adapter::close);
        tokenizer.close();
        model.close();
    }
}
