/**
 * The part of the Jinja template language that chat templates are written in, evaluated as Jinja2 does in the sandbox
 * that Hugging Face's transformers renders them in.
 */
@NullMarked
package dev.espalier.text.template;

import org.jspecify.annotations.NullMarked;
