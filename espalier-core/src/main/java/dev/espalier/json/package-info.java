/** The one JSON and YAML mapper. */
@NullMarked
package dev.espalier.json;

import org.jspecify.annotations.NullMarked;
