package dev.espalier.data.wordnet;

import dev.espalier.data.languagetool.LanguageTool;
import org.jspecify.annotations.Nullable;

/** What tasks are made from, each loaded when first asked for; tasks built from one object share it. */
final class Sources {
    private @Nullable WordNet wordNet;
    private @Nullable LanguageTool languageTool;

    synchronized WordNet wordNet() {
        if (wordNet == null) {
            wordNet = WordNet.load();
        }
        return wordNet;
    }

    synchronized LanguageTool languageTool() {
        if (languageTool == null) {
            languageTool = LanguageTool.load();
        }
        return languageTool;
    }
}
