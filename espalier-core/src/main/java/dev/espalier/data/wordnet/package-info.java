/**
 * Tasks that are built in: real text out of WordNet 3.1 and, as an option, of LanguageTool's English rules, rebuilt on
 * any machine to the same bytes.
 */
@NullMarked
package dev.espalier.data.wordnet;

import org.jspecify.annotations.NullMarked;
