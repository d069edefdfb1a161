package dev.espalier.model.auto;

import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.error.InputException;
import dev.espalier.model.EncoderConfig;
import dev.espalier.model.EncoderFamily;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.Weights;
import dev.espalier.model.bert.Bert;
import dev.espalier.model.roberta.Roberta;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Opens a Hugging Face folder as an encoder of the family that its {@code model_type} names. */
public final class AutoEncoder {
    private static final List<EncoderFamily> FAMILIES = List.of(new Bert(), new Roberta());

    private AutoEncoder() {}

    /**
     * Opens a model folder.
     *
     * @param dtype of the frozen weights: mapped where the folder has it, converted once where not
     * @throws InputException if the family is unknown, or a weight is missing or misshapen
     */
    public static EncoderModel open(Path folder, ScalarType dtype) {
        var checkpoint = CheckpointFolder.open(folder);
        try {
            var file = folder.resolve("config.json");
            var type = checkpoint.config().path("model_type").asString("");
            var family = FAMILIES.stream()
                    .filter(f -> f.modelTypes().contains(type))
                    .findFirst()
                    .orElseThrow(() -> new InputException(
                            file + ": model_type '" + type + "' is not supported; supported are " + supported() + "."));
            var weights = new Weights(checkpoint, family.prefix() + ".", dtype);
            return new EncoderModel(family, EncoderConfig.of(checkpoint.config(), file), weights, dtype);
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static String supported() {
        return FAMILIES.stream()
                .flatMap(f -> f.modelTypes().stream())
                .collect(Collectors.toCollection(TreeSet::new))
                .stream()
                .collect(Collectors.joining(", "));
    }
}
