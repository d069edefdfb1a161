package dev.espalier.data.wordnet;

import net.sf.extjwnl.data.PointerType;

/**
 * A relation that starts at a synset or at one of its words.
 *
 * @param source place of the word in its synset, or -1 when the whole synset is meant
 * @param target {@link Synset#id()} at the other end
 * @param targetWord place of the word in the target, or -1 when the whole synset is meant
 */
record Link(PointerType type, int source, long target, int targetWord) {}
