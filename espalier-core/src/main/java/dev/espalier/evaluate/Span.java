package dev.espalier.evaluate;

import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of words of one type.
 *
 * @param type the label without its prefix
 * @param begin first word, from 0
 * @param end the word after the last
 */
public record Span(String type, int begin, int end) {
    private static final String OUTSIDE = "O";
    private static final String PREFIXES = "BIESLU";

    /**
     * The spans that a sequence of tags marks, read as the conlleval script does: tags are {@code B-}, {@code I-},
     * {@code E-} (or {@code L-}), {@code S-} (or {@code U-}) and a type, or {@code O}; a tag that cannot follow its
     * predecessor opens a span. A tag without prefix is read as {@code I-}: a run of equal plain tags is one span.
     */
    public static List<Span> of(List<String> tags) {
        List<Span> spans = new ArrayList<>();
        var before = Tag.OUT;
        var begin = 0;
        for (int word = 0; word <= tags.size(); word++) {
            var tag = word < tags.size() ? Tag.parse(tags.get(word)) : Tag.OUT;
            if (before.inside() && before.endsBefore(tag)) {
                spans.add(new Span(before.type, begin, word));
            }
            if (tag.inside() && (!before.inside() || before.endsBefore(tag))) {
                begin = word;
            }
            before = tag;
        }
        return spans;
    }

    private record Tag(char prefix, String type) {
        static final Tag OUT = new Tag('O', "");

        static Tag parse(String tag) {
            if (tag.equals(OUTSIDE)) {
                return OUT;
            }
            return tag.length() > 1 && tag.charAt(1) == '-' && PREFIXES.indexOf(tag.charAt(0)) >= 0
                    ? new Tag(tag.charAt(0), tag.substring(2))
                    : new Tag('I', tag);
        }

        boolean inside() {
            return prefix != 'O';
        }

        boolean endsBefore(Tag next) {
            var closes = prefix == 'E' || prefix == 'S' || prefix == 'L' || prefix == 'U';
            var opens = next.prefix == 'B' || next.prefix == 'S' || next.prefix == 'U' || next.prefix == 'O';
            return closes || opens || !type.equals(next.type);
        }
    }
}
