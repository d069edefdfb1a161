package dev.espalier.model.auto;

import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.EncoderConfig;
import dev.espalier.model.EncoderFamily;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Weights;
import dev.espalier.model.bert.Bert;
import dev.espalier.model.gemma.Gemma2;
import dev.espalier.model.gemma.Gemma3;
import dev.espalier.model.gpt2.Gpt2;
import dev.espalier.model.llama.Llama;
import dev.espalier.model.llama.Mistral;
import dev.espalier.model.phi.Phi3;
import dev.espalier.model.qwen.Qwen2;
import dev.espalier.model.qwen.Qwen3;
import dev.espalier.model.roberta.Roberta;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/** Opens a Hugging Face folder as a model of the family that its {@code model_type} names. */
public final class AutoModel {
    private static final List<EncoderFamily> ENCODERS = List.of(new Bert(), new Roberta());

    private static final List<DecoderFamily> DECODERS = List.of(
            new Llama(), new Mistral(), new Qwen2(), new Qwen3(), new Phi3(), new Gemma2(), new Gemma3(), new Gpt2());

    private AutoModel() {}

    /**
     * Opens a model folder.
     *
     * @param dtype of the frozen weights: mapped where the folder has it, converted once where not
     * @throws InputException if the family is unknown, or a weight is missing or misshapen
     */
    public static LanguageModel open(Path folder, ScalarType dtype) {
        var checkpoint = CheckpointFolder.open(folder);
        return open(checkpoint, checkpoint.config(), folder.resolve("config.json"), dtype);
    }

    /**
     * A model of tensors that need not lie in a folder as they are.
     *
     * @param checkpoint under the names of a checkpoint; closed with the model, or here if that fails
     * @param json what {@code config.json} says
     * @param source where that comes from, for messages
     * @param dtype as for {@link #open(Path, ScalarType)}
     * @throws InputException as {@link #open(Path, ScalarType)}
     */
    public static LanguageModel open(TensorSource checkpoint, JsonNode json, Path source, ScalarType dtype) {
        try {
            var config = new ConfigReader(json, source);
            var type = config.text("model_type", "");
            var encoder = encoderFamily(type);
            if (encoder.isPresent()) {
                return encoder(encoder.get(), checkpoint, json, source, dtype);
            }
            var decoder = decoderFamily(type)
                    .orElseThrow(() -> new InputException(config.source() + ": model_type '" + type
                            + "' is not supported; supported are " + supported(type) + "."));
            var names = decoder.names();
            return new DecoderModel(
                    decoder.config(config), names, new Weights(checkpoint, names.prefix(), dtype), dtype);
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static EncoderModel encoder(
            EncoderFamily family, TensorSource checkpoint, JsonNode json, Path source, ScalarType dtype) {
        var weights = new Weights(checkpoint, family.prefix() + ".", dtype);
        return new EncoderModel(family, EncoderConfig.of(json, source), weights, dtype);
    }

    /**
     * As {@link #open}, where only an encoder will do.
     *
     * @throws InputException also if it is a decoder
     */
    public static EncoderModel encoder(Path folder, ScalarType dtype) {
        return as(EncoderModel.class, "an encoder", folder, dtype);
    }

    /**
     * As {@link #open}, where only a decoder will do.
     *
     * @throws InputException also if it is an encoder
     */
    public static DecoderModel decoder(Path folder, ScalarType dtype) {
        return as(DecoderModel.class, "a causal language model", folder, dtype);
    }

    /**
     * Whether a folder holds a causal language model, as its config says; no weight is read.
     *
     * @throws InputException if the folder is none of a model
     */
    public static boolean isDecoder(Path folder) {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var config = new ConfigReader(checkpoint.config(), folder.resolve("config.json"));
            return decoderFamily(config.text("model_type", "")).isPresent();
        }
    }

    private static <M extends LanguageModel> M as(Class<M> type, String wanted, Path folder, ScalarType dtype) {
        var model = open(folder, dtype);
        if (!type.isInstance(model)) {
            model.close();
            throw new InputException("The model in " + folder + " is not " + wanted + ", which is needed here.");
        }
        return type.cast(model);
    }

    private static Optional<EncoderFamily> encoderFamily(String type) {
        return ENCODERS.stream().filter(f -> f.modelTypes().contains(type)).findFirst();
    }

    private static Optional<DecoderFamily> decoderFamily(String type) {
        return DECODERS.stream().filter(f -> f.modelTypes().contains(type)).findFirst();
    }

    private static String supported(String type) {
        var known = Stream.concat(
                        ENCODERS.stream().flatMap(f -> f.modelTypes().stream()),
                        DECODERS.stream().flatMap(f -> f.modelTypes().stream()))
                .toList();
        return String.join(", ", Nearest.to(type, known, known.size()));
    }
}
