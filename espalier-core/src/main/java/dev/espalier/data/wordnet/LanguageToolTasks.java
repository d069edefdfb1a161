package dev.espalier.data.wordnet;

import dev.espalier.data.languagetool.Correction;
import dev.espalier.data.languagetool.LanguageTool;
import dev.espalier.data.languagetool.Replacement;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Errors, spellings and wordy phrases, out of LanguageTool's English rules. */
final class LanguageToolTasks {
    private static final Map<String, String> ACCEPTABILITY = Labels.of(
            "acceptable", "a sentence that is written correctly",
            "unacceptable", "a sentence with an error in grammar, spelling, punctuation or choice of words");

    private static final Map<String, String> SPELLINGS = Labels.of(
            "US", "spelled as in the United States",
            "GB", "spelled as in Great Britain");

    /** The categories that have examples, without MULTITOKEN_SPELLING, which has only 32. */
    private static final Map<String, String> CATEGORIES = Labels.of(
            "CASING", "a letter is small that should be a capital, or the other way round",
            "TYPOS", "a word or phrase is mistyped as another one",
            "COMPOUNDING", "words should be joined, hyphenated or written apart",
            "GRAMMAR", "the form or order of words breaks a rule of grammar",
            "COLLOCATIONS", "words stand together that do not go together",
            "PUNCTUATION", "a comma, apostrophe or other mark is missing, wrong or too much",
            "CONFUSED_WORDS", "a word is taken for another that looks or sounds like it",
            "NONSTANDARD_PHRASES", "a phrase is not used in standard English",
            "SEMANTICS", "what is said cannot be, such as a date that does not exist",
            "TYPOGRAPHY", "a sign, space, symbol or number is written in the wrong way",
            "PROPER_NOUNS", "a name is written in the wrong way");

    /** NONSTANDARD_PHRASES has 38 examples: beside 1500 rows of others a test would hold hardly any. */
    private static final int ROWS_PER_CATEGORY = 600;

    /** Blanks that a tokenizer would drop, and with them the error. */
    private static final Pattern LOST_BLANKS = Pattern.compile("^\\s.*|.*\\s$|.*\\s\\s.*", Pattern.DOTALL);

    private LanguageToolTasks() {}

    static List<BuiltinTask> all() {
        return Stream.of(
                        BuiltinTask.classification(
                                "acceptability",
                                "a sentence: is it correct English?",
                                ACCEPTABILITY,
                                (sources, random) -> acceptability(sources.languageTool())),
                        BuiltinTask.classification(
                                        "error-category",
                                        "a sentence with an error: what kind of error is it?",
                                        CATEGORIES,
                                        (sources, random) -> categories(sources.languageTool()))
                                .withRowsPerLabel(ROWS_PER_CATEGORY),
                        BuiltinTask.classification(
                                "us-or-gb",
                                "a word: spelled as in the US or as in Great Britain?",
                                SPELLINGS,
                                (sources, random) -> spellings(sources.languageTool())),
                        BuiltinTask.generation(
                                "correct",
                                "a sentence with an error: write it correctly",
                                (sources, random) -> corrections(sources.languageTool())),
                        BuiltinTask.generation(
                                "us-to-gb",
                                "a word spelled as in the US: write it as in Great Britain",
                                (sources, random) -> translations(sources.languageTool())),
                        BuiltinTask.generation(
                                "plain-english",
                                "a wordy phrase: write a plain one",
                                (sources, random) -> plainEnglish(sources.languageTool())))
                .map(BuiltinTask::ofLanguageTool)
                .toList();
    }

    private static List<Row> acceptability(LanguageTool languageTool) {
        return corrected(languageTool)
                .flatMap(pair -> Stream.of(
                        Row.of(pair.from(), "unacceptable").inGroup(pair.to()), Row.of(pair.to(), "acceptable")))
                .toList();
    }

    /** Sentences that are corrected alike stay together. */
    private static List<Row> categories(LanguageTool languageTool) {
        return examples(languageTool)
                .filter(example -> CATEGORIES.containsKey(example.category()))
                .map(example -> Row.of(example.sentence(), example.category())
                        .inGroup(example.corrected().orElse(example.sentence())))
                .toList();
    }

    private static List<Row> corrections(LanguageTool languageTool) {
        return corrected(languageTool)
                .map(pair -> Row.of(pair.from(), pair.to()).inGroup(pair.to()))
                .toList();
    }

    private static List<Row> spellings(LanguageTool languageTool) {
        return wordPairs(languageTool)
                .flatMap(pair -> Stream.of(
                        Row.ofPair(pair.from(), pair.to(), pair.from(), "US"),
                        Row.ofPair(pair.from(), pair.to(), pair.to(), "GB")))
                .toList();
    }

    private static List<Row> translations(LanguageTool languageTool) {
        return wordPairs(languageTool)
                .map(pair -> Row.of(pair.from(), pair.to()))
                .toList();
    }

    private static List<Row> plainEnglish(LanguageTool languageTool) {
        return languageTool.plainEnglish().stream()
                .map(phrase -> Row.of(phrase.from(), phrase.to()))
                .toList();
    }

    /**
     * Without sentences that rules correct in several ways or to what another rule calls wrong: they have more than one
     * error.
     */
    private static Stream<Correction> examples(LanguageTool languageTool) {
        var bySentence = languageTool.corrections().stream()
                .distinct()
                .collect(Collectors.groupingBy(Correction::sentence, LinkedHashMap::new, Collectors.toList()));
        return bySentence.values().stream()
                .filter(ofOneSentence -> ofOneSentence.size() == 1)
                .map(ofOneSentence -> ofOneSentence.get(0))
                .filter(example -> keepsItsBlanks(example.sentence()))
                .filter(example -> example.corrected()
                        .map(right -> keepsItsBlanks(right) && !bySentence.containsKey(right))
                        .orElse(true));
    }

    /** Wrong and right sentence; a rule's first suggestion makes a poor sentence now and then, and such rows stay. */
    private static Stream<Replacement> corrected(LanguageTool languageTool) {
        return examples(languageTool).flatMap(example -> example.corrected().stream()
                .map(right -> new Replacement(example.sentence(), right)));
    }

    /** Each word in one pair only, the first that has it. */
    private static Stream<Replacement> wordPairs(LanguageTool languageTool) {
        Set<String> seen = new HashSet<>();
        return languageTool.spellings().stream()
                .filter(pair -> !seen.contains(pair.from()) && !seen.contains(pair.to()))
                .filter(pair -> seen.add(pair.from()) && seen.add(pair.to()));
    }

    private static boolean keepsItsBlanks(String sentence) {
        return !LOST_BLANKS.matcher(sentence).matches();
    }
}
