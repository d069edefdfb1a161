package dev.espalier.data;

import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.List;

/** Makes examples that are too long shorter, as {@link TooLong#TRUNCATE} says. */
final class Shortening {
    /** Cuts of one question at most: each leaves out what the last was short of, for a cut may change the tokens. */
    private static final int CUTS = 8;

    private final TextTokenizer tokenizer;
    private final CausalTokens tokens;
    private final int maxTokens;
    private final boolean responses;

    /** @param responses whether the end of a response may be cut */
    Shortening(TextTokenizer tokenizer, CausalTokens tokens, int maxTokens, boolean responses) {
        this.tokenizer = tokenizer;
        this.tokens = tokens;
        this.maxTokens = maxTokens;
        this.responses = responses;
    }

    /** Leaves out the prompt's first tokens, but not the one that begins the text. */
    Fitted plain(CausalTokens.Encoding whole) {
        int begin = tokenizer.vocabulary().isSpecial(whole.ids()[0]) ? 1 : 0;
        int left = whole.responses() - begin - 1;
        int surplus = whole.length() - maxTokens;
        if (surplus <= left) {
            return Fitted.cut(whole.without(begin, surplus));
        }
        return cutResponse(left > 0 ? whole.without(begin, left) : whole);
    }

    /** Leaves out the oldest turns after the system's, then the beginning of the last question. */
    Fitted chat(ChatText chat, List<Message> messages) {
        var kept = new ArrayList<>(messages);
        var encoding = tokens.encode(chat.written(kept));
        while (encoding.length() > maxTokens && dropOldest(kept)) {
            encoding = tokens.encode(chat.written(kept));
        }
        for (int cut = 0; cut < CUTS && encoding.length() > maxTokens; cut++) {
            if (!cutQuestion(chat, kept, encoding.length() - maxTokens)) {
                return cutResponse(encoding);
            }
            encoding = tokens.encode(chat.written(kept));
        }
        return encoding.length() > maxTokens ? cutResponse(encoding) : Fitted.cut(encoding);
    }

    private Fitted cutResponse(CausalTokens.Encoding encoding) {
        return responses && encoding.responses() < maxTokens
                ? Fitted.responseCut(encoding.first(maxTokens))
                : Fitted.LEFT_OUT;
    }

    /** Removes everything from the first turn after the system's up to the next question; false if there is none. */
    private static boolean dropOldest(List<Message> messages) {
        int first = 0;
        while (first < messages.size() && messages.get(first).role().matches("system|developer")) {
            first++;
        }
        for (int next = first + 1; next < messages.size(); next++) {
            if (messages.get(next).role().equals("user")
                    && messages.get(next - 1).byAssistant()) {
                messages.subList(first, next).clear();
                return true;
            }
        }
        return false;
    }

    /** Removes as many tokens and more from the last question's beginning; false if it has not as many. */
    private boolean cutQuestion(ChatText chat, List<Message> messages, int surplus) {
        int place = messages.size() - 1;
        while (place >= 0 && !messages.get(place).role().equals("user")) {
            place--;
        }
        if (place < 0) {
            return false;
        }
        var written = chat.written(messages);
        var question = messages.get(place).content().strip();
        int from = question.isEmpty()
                ? -1
                : written.text()
                        .lastIndexOf(
                                question,
                                written.responses()
                                        .get(written.responses().size() - 1)
                                        .start());
        if (from < 0) {
            return false;
        }
        var spans = tokenizer.encodeSpans(written.text(), false);
        int left = surplus;
        for (int token = 0; token < spans.length(); token++) {
            if (spans.ends()[token] > from && left-- <= 0) {
                int cut = Math.max(0, spans.starts()[token] - from);
                if (cut == 0 || cut >= question.length()) {
                    return false;
                }
                messages.set(
                        place,
                        new Message(
                                "user",
                                question.substring(cut),
                                messages.get(place).others()));
                return true;
            }
        }
        return false;
    }
}
