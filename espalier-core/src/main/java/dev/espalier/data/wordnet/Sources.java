package dev.espalier.data.wordnet;

import org.jspecify.annotations.Nullable;

/** What tasks are made from, each loaded when first asked for; tasks built from one object share it. */
final class Sources {
    private @Nullable WordNet wordNet;

    synchronized WordNet wordNet() {
        if (wordNet == null) {
            wordNet = WordNet.load();
        }
        return wordNet;
    }
}
