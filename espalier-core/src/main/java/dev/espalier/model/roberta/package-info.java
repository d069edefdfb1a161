/** RoBERTa: config and weight names. */
@NullMarked
package dev.espalier.model.roberta;

import org.jspecify.annotations.NullMarked;
