/** Recipes: the YAML files that describe a run, read with every error at its line, written with every default. */
@NullMarked
package dev.espalier.cli.recipe;

import org.jspecify.annotations.NullMarked;
