/**
 * Adapters as compositions: experts, routers, targets, initialisation. A spec says how to compose one; an
 * {@link dev.espalier.adapter.Adapter} holds its weights and is attached to a model.
 */
@NullMarked
package dev.espalier.adapter;

import org.jspecify.annotations.NullMarked;
