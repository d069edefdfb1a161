package dev.espalier.data.languagetool;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.XMLConstants;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * The examples of a {@code grammar.xml} that say how they are corrected:
 * {@code <example correction="first|second">text <marker>error</marker> text</example>}.
 */
final class GrammarExamples {
    private GrammarExamples() {}

    /** In the order of the file. */
    static List<Correction> read(InputStream grammar) throws XMLStreamException {
        var xml = factory().createXMLStreamReader(grammar);
        var examples = new ArrayList<Correction>();
        var category = "";
        while (xml.hasNext()) {
            if (xml.next() == XMLStreamConstants.START_ELEMENT) {
                if (xml.getLocalName().equals("category")) {
                    category = xml.getAttributeValue(null, "id");
                } else if (xml.getLocalName().equals("example")) {
                    var suggestions = xml.getAttributeValue(null, "correction");
                    if (suggestions != null) {
                        examples.add(example(xml, category, suggestions));
                    }
                }
            }
        }
        return examples;
    }

    /** The JDK's own parser, whatever is on the class path: nothing from outside the file is ever opened. */
    private static XMLInputFactory factory() {
        var factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLConstants.ACCESS_EXTERNAL_DTD, "");
        // The rules share their patterns as entities: far more text than the limits of newer Java versions allow.
        for (var limit : List.of("entityExpansionLimit", "totalEntitySizeLimit", "maxGeneralEntitySizeLimit")) {
            factory.setProperty("jdk.xml." + limit, 0);
        }
        return factory;
    }

    private static Correction example(XMLStreamReader xml, String category, String suggestions)
            throws XMLStreamException {
        var sentence = new StringBuilder();
        var markerStart = 0;
        var markerEnd = 0;
        var depth = 1;
        while (depth > 0) {
            switch (xml.next()) {
                case XMLStreamConstants.START_ELEMENT -> {
                    depth++;
                    markerStart = sentence.length();
                }
                case XMLStreamConstants.END_ELEMENT -> {
                    if (--depth > 0) {
                        markerEnd = sentence.length();
                    }
                }
                case XMLStreamConstants.CHARACTERS -> sentence.append(xml.getText());
                default -> {}
            }
        }
        var wrong = sentence.toString();
        if (suggestions.isEmpty()) {
            return new Correction(category, wrong, Optional.empty());
        }
        var first = suggestions.split("\\|", 2)[0];
        sentence.replace(markerStart, markerEnd, first);
        return new Correction(category, wrong, Optional.of(sentence.toString()));
    }
}
