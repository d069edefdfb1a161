/** BERT: config and weight names. */
@NullMarked
package dev.espalier.model.bert;

import org.jspecify.annotations.NullMarked;
