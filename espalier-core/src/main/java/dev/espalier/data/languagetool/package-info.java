/** What built-in tasks take from LanguageTool's English rules, whose jar is read as data and fetched on first use. */
@NullMarked
package dev.espalier.data.languagetool;

import org.jspecify.annotations.NullMarked;
