/** What people look at after a run: tables and the self-contained report page. */
@NullMarked
package dev.espalier.report;

import org.jspecify.annotations.NullMarked;
