package dev.espalier.data.wordnet;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.dictionary.Dictionary;

/**
 * How often a word was met in a sense in tagged text, out of {@code index.sense}, whose lines are
 * {@code lemma%type:field:id:head:headId offset senseNumber count}. The dictionary's own counts depend on the
 * locale of the machine (it lower-cases the keys by it), and miss some.
 */
final class SenseCounts {
    private static final String FILE = "/net/sf/extjwnl/data/wordnet/wn31/index.sense";

    /** By the digit behind the percent sign, less one; 5 is a satellite, an adjective too. */
    private static final List<POS> TYPES = List.of(POS.NOUN, POS.VERB, POS.ADJECTIVE, POS.ADVERB, POS.ADJECTIVE);

    private record Sense(POS pos, long offset, String lemma) {}

    private final Map<Sense, Integer> counts = new HashMap<>();

    private SenseCounts() {}

    static SenseCounts load() {
        var senses = new SenseCounts();
        var in = Objects.requireNonNull(Dictionary.class.getResourceAsStream(FILE), FILE);
        try (var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                senses.add(line.split(" "));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return senses;
    }

    int of(POS pos, long offset, String word) {
        return counts.getOrDefault(new Sense(pos, offset, word.toLowerCase(Locale.ROOT)), 0);
    }

    private void add(String[] parts) {
        var count = Integer.parseInt(parts[3]);
        if (count > 0) {
            var key = parts[0];
            var percent = key.indexOf('%');
            var pos = TYPES.get(key.charAt(percent + 1) - '1');
            var lemma = key.substring(0, percent).replace('_', ' ');
            counts.put(new Sense(pos, Long.parseLong(parts[1]), lemma), count);
        }
    }
}
