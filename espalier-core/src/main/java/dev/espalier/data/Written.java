package dev.espalier.data;

import dev.espalier.text.template.Rendering.Span;
import java.util.List;

/**
 * An example as one text.
 *
 * @param text what a causal language model reads
 * @param responses the parts that it is to write, in order
 * @param complete whether the special tokens are in the text already, those that begin and end it too
 */
record Written(String text, List<Span> responses, boolean complete) {}
