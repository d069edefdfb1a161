package dev.espalier.generate;

import java.util.Arrays;
import java.util.Optional;

/** A prompt and what has been generated after it. */
final class GeneratedRow {
    private final int place;
    private final Prompt prompt;
    private final SamplingOptions options;
    /** Prompt and new tokens; has room for as many as there can be. */
    private final int[] tokens;

    private int length;
    private Optional<FinishReason> reason = Optional.empty();

    /**
     * @param place the prompt's place in the list
     * @param context the longest sequence that the model has positions for
     * @throws dev.espalier.error.InputException if the prompt leaves no room in it
     */
    GeneratedRow(int place, Prompt prompt, int context, SamplingOptions options) {
        this.place = place;
        this.prompt = prompt;
        this.options = options;
        prompt.requireRoom(context);
        length = prompt.length();
        tokens = Arrays.copyOf(prompt.tokens(), length + Math.min(context - length, options.maxNewTokens()));
    }

    /** The prompt's place in the list. */
    int place() {
        return place;
    }

    int length() {
        return length;
    }

    boolean ended() {
        return reason.isPresent();
    }

    void add(int id, TokenGenerator.Listener listener) {
        tokens[length++] = id;
        boolean wanted = listener.token(place, id);
        if (options.stopTokens().contains(id)) {
            reason = Optional.of(FinishReason.STOP_TOKEN);
        } else if (!wanted) {
            reason = Optional.of(FinishReason.STOP_STRING);
        } else if (length - prompt.length() == options.maxNewTokens()) {
            reason = Optional.of(FinishReason.MAX_NEW_TOKENS);
        } else if (length == tokens.length) {
            reason = Optional.of(FinishReason.CONTEXT_FULL);
        }
    }

    Sampler.Row forSampler() {
        return new Sampler.Row(prompt.id(), tokens, length, prompt.name());
    }

    /** Copies the last {@code count} tokens. */
    void copyEnd(int count, long[] target, int start) {
        for (int i = 0; i < count; i++) {
            target[start + i] = tokens[length - count + i];
        }
    }

    TokenGenerator.Generated result() {
        return new TokenGenerator.Generated(Arrays.copyOfRange(tokens, prompt.length(), length), reason.orElseThrow());
    }
}
