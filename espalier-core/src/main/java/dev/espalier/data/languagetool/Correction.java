package dev.espalier.data.languagetool;

import java.util.Optional;

/**
 * A sentence with one error, an example of the rule that finds it.
 *
 * @param category id of the rule's category, such as {@code CONFUSED_WORDS}
 * @param corrected the sentence with the rule's first suggestion; empty where the rule suggests nothing
 */
public record Correction(String category, String sentence, Optional<String> corrected) {}
