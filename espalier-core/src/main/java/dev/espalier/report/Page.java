package dev.espalier.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** An HTML page with its style inside, so that it opens from a mail or an archive, in light and dark. */
final class Page {
    private static final String STYLE = "report.css";

    private Page() {}

    /** The page's text. */
    static String of(String title, List<Markup> sections) {
        var page = new Markup()
                .trusted("<!DOCTYPE html>\n")
                .open("html", "lang", "en")
                .open("head")
                .empty("meta", "charset", "utf-8")
                .empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
                .empty("meta", "name", "color-scheme", "content", "light dark")
                .element("title", title)
                .open("style")
                .trusted(style())
                .close("style")
                .close("head")
                .open("body")
                .open("main")
                .element("h1", title);
        sections.forEach(page::add);
        return page.close("main").close("body").close("html").toString();
    }

    /** The style sheet. */
    static String style() {
        try (var stream = Page.class.getResourceAsStream(STYLE)) {
            if (stream == null) {
                throw new IllegalStateException(STYLE + " is missing from the jar.");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
