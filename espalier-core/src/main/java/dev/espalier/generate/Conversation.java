package dev.espalier.generate;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.KvCache;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A conversation with a model, turn by turn. The keys and values of tokens that the chat template writes as it did the
 * turn before are kept, so that a turn costs what is new. For one thread, but for {@link #interrupt}.
 */
public final class Conversation implements AutoCloseable {
    private final Generator generator;
    private final TextTokenizer tokenizer;
    private final ChatTemplate template;
    private final List<Message> beginning;
    private final List<Message> messages;
    private final KvCache cache = new KvCache(1);
    /** The tokens in the cache. */
    private int[] cached = {};

    private volatile boolean interrupted;

    /**
     * @param model with whatever adapters are attached; it and {@code tokenizer} stay the caller's
     * @param options see {@link StopTokens#of(java.nio.file.Path, TextTokenizer, ChatTemplate)} for what ends a turn
     * @param beginning what comes before the first turn, such as a system message; may be empty
     */
    public Conversation(
            DecoderModel model,
            TextTokenizer tokenizer,
            ChatTemplate template,
            SamplingOptions options,
            List<Message> beginning) {
        generator = new Generator(model, tokenizer, options);
        this.tokenizer = tokenizer;
        this.template = template;
        this.beginning = List.copyOf(beginning);
        messages = new ArrayList<>(beginning);
    }

    /** All turns so far. */
    public List<Message> messages() {
        return List.copyOf(messages);
    }

    /** Whether there are turns after the beginning. */
    public boolean begun() {
        return messages.size() > beginning.size();
    }

    /** Forgets all turns after the beginning. */
    public void reset() {
        messages.clear();
        messages.addAll(beginning);
    }

    /**
     * Says something and gets the answer; both become turns of the conversation.
     *
     * @param pieces sees the answer as it is written
     * @throws InputException if the conversation leaves no room in the model's context, or the template refuses it; it is
     *     then as it was before
     */
    public Generation say(String text, Consumer<String> pieces) {
        var asked = new ArrayList<>(messages);
        asked.add(Message.user(text));
        var prompt = Prompt.chat(0, asked, template, tokenizer, begun() ? "The conversation" : "The message");
        keep(prompt);
        interrupted = false;
        var whole = generator.generate(prompt, cache, (row, piece) -> pieces.accept(piece), () -> interrupted);
        var answer = interrupted ? new Generation(whole.text(), whole.tokens(), FinishReason.INTERRUPTED) : whole;
        cached = Arrays.copyOf(prompt.tokens(), cache.length(0));
        System.arraycopy(answer.tokens(), 0, cached, prompt.length(), cached.length - prompt.length());
        messages.clear();
        messages.addAll(asked);
        messages.add(Message.assistant(answer.text()));
        return answer;
    }

    /** Ends the answer that is being written after its next token; may be called by any thread. */
    public void interrupt() {
        interrupted = true;
    }

    private void keep(Prompt prompt) {
        int same = Arrays.mismatch(cached, prompt.tokens());
        // One token at least has to be fed: its logits are what is asked for.
        int kept = Math.min(same < 0 ? cached.length : same, prompt.length() - 1);
        cache.truncate(kept);
        cached = Arrays.copyOf(cached, kept);
    }

    /** The tokens whose keys and values are kept. */
    int cachedTokens() {
        return cache.length(0);
    }

    /** Frees keys and values. */
    @Override
    public void close() {
        cache.close();
    }
}
