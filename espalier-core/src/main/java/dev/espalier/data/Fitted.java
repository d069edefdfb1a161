package dev.espalier.data;

import java.util.Optional;

/** What became of an example that may have been too long. */
record Fitted(Fate fate, Optional<CausalTokens.Encoding> example) {
    enum Fate {
        WHOLE("are whole"),
        CUT("lost their beginning, or of a text without response the end"),
        RESPONSE_CUT("lost the end of their response"),
        LEFT_OUT("are left out");

        private final String described;

        Fate(String described) {
            this.described = described;
        }

        String described() {
            return described;
        }
    }

    static final Fitted LEFT_OUT = new Fitted(Fate.LEFT_OUT, Optional.empty());

    static Fitted whole(CausalTokens.Encoding example) {
        return new Fitted(Fate.WHOLE, Optional.of(example));
    }

    static Fitted cut(CausalTokens.Encoding example) {
        return new Fitted(Fate.CUT, Optional.of(example));
    }

    static Fitted responseCut(CausalTokens.Encoding example) {
        return new Fitted(Fate.RESPONSE_CUT, Optional.of(example));
    }
}
