package dev.espalier.data.wordnet;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import net.sf.extjwnl.data.PointerType;

/** Everything that a word is a kind of, in any of its senses and over any distance. */
final class Kinds {
    private final WordNet wordNet;
    private final Map<String, Set<String>> above = new HashMap<>();

    Kinds(WordNet wordNet) {
        this.wordNet = wordNet;
    }

    /** Whether {@code word} is a kind of {@code kind}, or the same. */
    boolean include(String word, String kind) {
        return above.computeIfAbsent(word, this::climb).contains(kind);
    }

    private Set<String> climb(String word) {
        var words = new HashSet<String>();
        var seen = new HashSet<Synset>();
        var open = new ArrayDeque<>(wordNet.senses(word));
        while (!open.isEmpty()) {
            var synset = open.pop();
            if (seen.add(synset)) {
                words.addAll(synset.words());
                wordNet.targets(synset, PointerType.HYPERNYM).forEach(open::add);
                wordNet.targets(synset, PointerType.INSTANCE_HYPERNYM).forEach(open::add);
            }
        }
        return words;
    }
}
