package dev.espalier.data.wordnet;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Labels that several tasks share, and how a set of labels is written down. */
final class Labels {
    /** Lexicographer fields of nouns, without the few synsets of Tops and motive. */
    static final Map<String, String> NOUN_FIELDS = of(
            "act", "something people do, an action or activity",
            "animal", "an animal",
            "artifact", "an object that people have made",
            "attribute", "a quality or property of people or things",
            "body", "a part of the body",
            "cognition", "an idea, a field of knowledge or another content of the mind",
            "communication", "a message, a text, a language or another means to tell something",
            "event", "something that happens by itself",
            "feeling", "a feeling or emotion",
            "food", "something to eat or drink",
            "group", "a group of people, animals or things",
            "location", "a place or region",
            "object", "a natural object that nobody has made",
            "person", "a human being",
            "phenomenon", "a natural phenomenon",
            "plant", "a plant",
            "possession", "something owned, or its transfer, such as money",
            "process", "a natural process that runs over time",
            "quantity", "an amount or a unit of measure",
            "relation", "a relation between people, things or ideas",
            "shape", "a two- or three-dimensional shape",
            "state", "a condition that something or somebody is in",
            "substance", "a material or chemical substance",
            "time", "a time, date or period");

    /** Lexicographer fields of verbs, without weather. */
    static final Map<String, String> VERB_FIELDS = of(
            "body", "to dress, groom or care for the body, or to do what bodies do",
            "change", "to change in size, temperature, strength or another way",
            "cognition", "to think, judge, analyse or doubt",
            "communication", "to tell, ask, order or sing",
            "competition", "to fight, play against or compete with others",
            "consumption", "to eat, drink or use up",
            "contact", "to touch, hit, tie or dig",
            "creation", "to make, paint, perform or cook",
            "emotion", "to feel, or to make others feel",
            "motion", "to walk, fly, swim or move otherwise",
            "perception", "to see, hear, smell or notice",
            "possession", "to buy, sell, own or give",
            "social", "to act in politics, institutions or among people",
            "stative", "to be, have or stand in a relation in space");

    static final Map<String, String> PARTS_OF_SPEECH = of(
            "noun", "the definition of a noun, a thing",
            "verb", "the definition of a verb, an action",
            "adjective", "the definition of an adjective, a quality of a thing",
            "adverb", "the definition of an adverb, a manner, place or time of an action");

    private Labels() {}

    /** Label, description, label, description …; the order stays. */
    static Map<String, String> of(String... labelsAndDescriptions) {
        var labels = new LinkedHashMap<String, String>();
        for (var i = 0; i < labelsAndDescriptions.length; i += 2) {
            labels.put(labelsAndDescriptions[i], labelsAndDescriptions[i + 1]);
        }
        return Collections.unmodifiableMap(labels);
    }
}
