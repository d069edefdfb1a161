/**
 * Choosing among trained adapters: a folder of them, and which of them an input or a token gets without any training.
 */
@NullMarked
package dev.espalier.route;

import org.jspecify.annotations.NullMarked;
