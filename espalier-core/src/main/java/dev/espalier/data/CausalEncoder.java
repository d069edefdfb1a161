package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns examples into tokens of a causal language model, with labels on the tokens that are learned: each is its own id,
 * every other {@link Batch#IGNORED}. With a chat template the text is the template's and its special tokens are all that
 * there are. Without one the tokenizer adds its own, and the token that ends a text follows the response. The first token
 * is never learned, for nothing comes before it. Safe to use from several threads.
 */
public final class CausalEncoder implements TaskEncoder {
    private static final Logger LOG = LoggerFactory.getLogger(CausalEncoder.class);
    private static final float[] NO_VALUES = {};

    private final int task;
    private final Optional<ChatTemplate> template;
    private final CausalOptions options;
    private final int maxTokens;
    private final CausalTokens tokens;
    private final Shortening shortening;

    /**
     * @param task the task's place in the run
     * @param template how conversations are written; empty to write plain texts
     * @param maxTokens tokens of an example at most
     */
    public CausalEncoder(
            int task, TextTokenizer tokenizer, Optional<ChatTemplate> template, CausalOptions options, int maxTokens) {
        this.task = task;
        this.template = template;
        this.options = options;
        this.maxTokens = maxTokens;
        tokens = new CausalTokens(tokenizer, options.lossOn());
        shortening = new Shortening(tokenizer, tokens, maxTokens, options.tooLong() == TooLong.TRUNCATE_RESPONSE);
    }

    /** As {@link TaskEncoder#encode(List, String)}; the log counts what is left out or cut. */
    @Override
    public List<EncodedExample> encode(List<Example> examples, String what) {
        var encoded = IntStream.range(0, examples.size())
                .parallel()
                .mapToObj(place -> fitted(examples.get(place)).orNothingLearned())
                .toList();
        report(encoded, what);
        return IntStream.range(0, encoded.size())
                .boxed()
                .flatMap(place -> encoded.get(place).example().map(kept -> numbered(place, kept)).stream())
                .toList();
    }

    /**
     * The tokens that a model goes on from to answer an input, of any length.
     *
     * @throws InputException if the chat template refuses the conversation
     */
    public int[] prompt(Input input, Origin origin) {
        return template.map(chat -> tokens.prompt(
                        new ChatText(chat, origin, variables(input)).prompt(ChatText.messages(input, origin)), true))
                .orElseGet(() -> tokens.prompt(PlainText.prompt(input, origin), false));
    }

    /**
     * Each candidate of a choice as the response to its input, in order, with the example's id; loss is on the response
     * alone, so that its likelihood can be told. None is cut.
     *
     * @throws InputException if one has too many tokens
     */
    public List<EncodedExample> candidates(long id, Example example) {
        if (!(example.target() instanceof Target.Choice choice)) {
            throw new IllegalArgumentException("only a choice has candidates");
        }
        var responses = tokens.with(LossOn.RESPONSES);
        var encoded = new ArrayList<EncodedExample>();
        for (var candidate : choice.candidates()) {
            var one = responses.encode(written(example, Message.assistant(candidate)));
            if (one.length() > maxTokens) {
                throw tooLong(example, one.length());
            }
            encoded.add(numbered(id, one));
        }
        return encoded;
    }

    private Fitted fitted(Example example) {
        if (example.target() instanceof Target.None) {
            throw new IllegalArgumentException("an input without a target has a prompt only");
        }
        var whole = example.target() instanceof Target.Itself
                ? tokens.encode(PlainText.written(example.input(), "", example.origin()), LossOn.ALL)
                : tokens.encode(written(example, response(example.target())));
        if (whole.length() <= maxTokens) {
            return Fitted.whole(whole);
        }
        return switch (options.tooLong()) {
            case ERROR -> throw tooLong(example, whole.length());
            case SKIP -> Fitted.LEFT_OUT;
            case TRUNCATE, TRUNCATE_RESPONSE -> shortened(example, whole);
        };
    }

    private Fitted shortened(Example example, CausalTokens.Encoding whole) {
        if (example.target() instanceof Target.Itself) {
            return Fitted.cut(whole.first(maxTokens));
        }
        if (template.isEmpty()) {
            return shortening.plain(whole);
        }
        var messages = new ArrayList<>(ChatText.messages(example.input(), example.origin()));
        messages.add(response(example.target()));
        return shortening.chat(new ChatText(template.get(), example.origin(), variables(example.input())), messages);
    }

    private Written written(Example example, Message response) {
        var input = example.input();
        if (template.isEmpty()) {
            return PlainText.written(input, response.content(), example.origin());
        }
        var messages = new ArrayList<>(ChatText.messages(input, example.origin()));
        messages.add(response);
        return new ChatText(template.get(), example.origin(), variables(input)).written(messages);
    }

    private static Message response(Target target) {
        if (target instanceof Target.Choice choice) {
            return Message.assistant(choice.candidates().get(choice.right()));
        }
        if (target instanceof Target.Response response) {
            return response.message();
        }
        throw new IllegalArgumentException("a label or number is no text that a causal language model learns");
    }

    private static Map<String, Object> variables(Input input) {
        return input instanceof Input.Chat chat ? chat.variables() : Map.of();
    }

    private EncodedExample numbered(long id, CausalTokens.Encoding encoding) {
        return new EncodedExample(task, id, encoding.ids(), new int[encoding.length()], encoding.labels(), NO_VALUES);
    }

    private InputException tooLong(Example example, int length) {
        return new InputException(example.origin() + " has " + length + " tokens, more than the " + maxTokens
                + " allowed; raise max-tokens, shorten the row, or choose too-long: skip or truncate.");
    }

    private void report(List<Fitted> encoded, String what) {
        int[] counts = new int[Fitted.Fate.values().length];
        encoded.forEach(one -> counts[one.fate().ordinal()]++);
        Arrays.stream(Fitted.Fate.values())
                .filter(fate -> fate != Fitted.Fate.WHOLE && counts[fate.ordinal()] > 0)
                .forEach(fate -> LOG.warn(
                        "{} of {} {} {}", counts[fate.ordinal()], encoded.size(), what, fate.described(maxTokens)));
    }
}
