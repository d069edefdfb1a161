package dev.espalier.data;

import java.util.Optional;

/** What became of an example that may have been too long. */
record Fitted(Fate fate, Optional<CausalTokens.Encoding> example) {
    enum Fate {
        WHOLE("are whole"),
        CUT("have more than %d tokens and lost their beginning, or of a text without response the end"),
        RESPONSE_CUT("have more than %d tokens and lost the end of their response"),
        LEFT_OUT("have more than %d tokens and are left out"),
        NOTHING_LEARNED("have no token that is learned and are left out");

        private final String described;

        Fate(String described) {
            this.described = described;
        }

        String described(int maxTokens) {
            return described.formatted(maxTokens);
        }
    }

    static final Fitted LEFT_OUT = new Fitted(Fate.LEFT_OUT, Optional.empty());

    private static final Fitted NOTHING_LEARNED = new Fitted(Fate.NOTHING_LEARNED, Optional.empty());

    static Fitted whole(CausalTokens.Encoding example) {
        return new Fitted(Fate.WHOLE, Optional.of(example));
    }

    static Fitted cut(CausalTokens.Encoding example) {
        return new Fitted(Fate.CUT, Optional.of(example));
    }

    static Fitted responseCut(CausalTokens.Encoding example) {
        return new Fitted(Fate.RESPONSE_CUT, Optional.of(example));
    }

    /** The same, unless the example has no label: a step of such examples alone would have nothing to learn from. */
    Fitted orNothingLearned() {
        boolean empty = example.isPresent() && example.get().unlabelled();
        return empty ? NOTHING_LEARNED : this;
    }
}
