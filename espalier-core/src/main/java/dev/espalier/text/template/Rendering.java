package dev.espalier.text.template;

import java.util.List;

/**
 * What a template gives.
 *
 * @param text the output
 * @param generated the parts that stood between {@code generation} and {@code endgeneration}, in order
 */
public record Rendering(String text, List<Span> generated) {
    public Rendering {
        generated = List.copyOf(generated);
    }

    /**
     * A part of a text.
     *
     * @param start its first {@code char}
     * @param end the {@code char} after its last
     */
    public record Span(int start, int end) {}
}
