package dev.espalier.route;

import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Input;
import dev.espalier.json.Json;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Turns texts into vectors of length 1 whose products say how alike the texts are, as sentence-transformers does it. It
 * takes the mean over the tokens, or the first token where the model's own {@code 1_Pooling/config.json} says so, and puts
 * no instruction before a text.
 */
public final class SentenceEncoder implements AutoCloseable {
    /** The built-in encoder that is used unless another is asked for. */
    public static final String DEFAULT = "all-minilm-l6-v2";

    private static final String FIRST_TOKEN = "bge-small-en-v1.5";

    /** Tokens of a text at most: what sentence-transformers cuts the built-in one's texts to. */
    private static final int MAX_TOKENS = 256;

    private static final int BATCH_SIZE = 32;
    private static final int MOST_TOKENS = 4096;

    private final String name;
    private final EncoderModel model;
    private final TextTokenizer tokenizer;
    private final Pooling pooling;

    private SentenceEncoder(String name, EncoderModel model, TextTokenizer tokenizer, Pooling pooling) {
        this.name = name;
        this.model = model;
        this.tokenizer = tokenizer;
        this.pooling = pooling;
    }

    /**
     * Opens an encoder.
     *
     * @param name of a built-in one, or a folder
     * @throws dev.espalier.error.InputException if there is none, or it is no encoder
     */
    public static SentenceEncoder open(String name) {
        var folder = ModelLocator.locate(name);
        var model = AutoModel.encoder(folder, ScalarType.Float);
        try {
            return new SentenceEncoder(name, model, TextTokenizer.open(folder), pooling(name, folder));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static Pooling pooling(String name, Path folder) {
        var file = folder.resolve("1_Pooling").resolve("config.json");
        boolean first = Files.exists(file)
                ? Json.read(file).path("pooling_mode_cls_token").asBoolean(false)
                : ModelLocator.hubName(name).equals(ModelLocator.hubName(FIRST_TOKEN));
        return first ? Pooling.CLS : Pooling.MEAN;
    }

    /** What it was opened by. */
    public String name() {
        return name;
    }

    /** What is embedded of an input, be it a sample or one to be routed: all of its texts, a line each. */
    public static String text(Input input) {
        if (input instanceof Input.Text one) {
            return one.text();
        }
        if (input instanceof Input.Pair pair) {
            return pair.first() + "\n" + pair.second();
        }
        if (input instanceof Input.Words words) {
            return String.join(" ", words.words());
        }
        if (input instanceof Input.Chat chat) {
            return chat.messages().stream().map(Message::content).collect(Collectors.joining("\n"));
        }
        if (input instanceof Input.Instruction instruction) {
            return instruction.instruction()
                    + instruction.context().map(context -> "\n" + context).orElse("");
        }
        return ((Input.Prompt) input).text();
    }

    /** The vectors of {@code texts}, in order, {@code [texts][hidden]}. To be called on the engine. */
    public List<float[]> embed(List<String> texts) {
        var encoded = tokenizer.encodeAll(texts, Math.min(MAX_TOKENS, model.maxTokens()));
        var examples = new ArrayList<EncodedExample>();
        for (var each : encoded) {
            examples.add(new EncodedExample(0, examples.size(), each.ids(), each.typeIds(), new int[0], new float[0]));
        }
        var vectors = new float[texts.size()][];
        for (var batch : Batcher.inLengthOrder(examples, BATCH_SIZE, MOST_TOKENS, tokenizer.padId())) {
            try (var scope = Scope.open()) {
                var rows = embed(batch);
                for (int row = 0; row < batch.rows(); row++) {
                    vectors[(int) batch.exampleIds()[row]] = FloatArrays.of(rows.select(0, row));
                }
            }
        }
        return List.of(vectors);
    }

    private Tensor embed(Batch batch) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            var states = model.hidden(batch, context).value().view(batch.rows(), batch.tokens(), -1);
            var pooled = states.select(1, 0);
            if (pooling == Pooling.MEAN) {
                var mask = context.tokenMask().unsqueeze(2);
                pooled = states.mul(mask).sum(1).div(mask.sum(1));
            }
            var lengths =
                    pooled.square().sum(1).sqrt().clamp_min(new Scalar(1e-12)).unsqueeze(1);
            return scope.keep(pooled.div(lengths));
        }
    }

    @Override
    public void close() {
        tokenizer.close();
        model.close();
    }
}
