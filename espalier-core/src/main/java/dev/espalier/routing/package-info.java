/**
 * Who decides which experts a token gets: a {@link dev.espalier.routing.Router} is composed of a scorer, an activation,
 * noise and dropout, a selection, a normaliser, a capacity and auxiliary losses. Nothing here knows what an expert is.
 */
@NullMarked
package dev.espalier.routing;

import org.jspecify.annotations.NullMarked;
