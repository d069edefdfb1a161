package dev.espalier.data.languagetool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LanguageToolTest {
    private static final Map<String, String> FILES = Map.of(
            "rules/en/grammar.xml",
            "<!DOCTYPE rules [<!ENTITY who 'She|He'>]><rules><category id='GRAMMAR'><rule><token>&who;</token>"
                    + "<example correction='goes|went'>&who; <marker>go</marker> home.</example>"
                    + "<example>She goes home.</example>"
                    + "<example correction=''>I <marker>is</marker> it.</example></rule></category></rules>",
            "resource/en/en-US-GB.txt",
            "# a remark\ncolor;colour\nhypo\n",
            "rules/en/wordiness.txt",
            "# a remark=a note\nas to=[OMIT]|about\nvery=[OMIT]\nat all times=always|ever\nof= \n");

    @TempDir
    Path folder;

    @Test
    void theJarIsReadWhole() {
        var languageTool = LanguageTool.load();
        assertThat(languageTool.corrections().stream()
                        .collect(Collectors.groupingBy(Correction::category, Collectors.counting())))
                .hasSize(12)
                .containsEntry("GRAMMAR", 4069L)
                .containsEntry("NONSTANDARD_PHRASES", 38L)
                .containsEntry("MULTITOKEN_SPELLING", 32L);
        assertThat(languageTool.corrections())
                .hasSize(9010)
                .contains(new Correction(
                        "TYPOS", "Or we just through away all bugs.", Optional.of("Or we just throw away all bugs.")));
        assertThat(languageTool.spellings()).hasSize(4799).contains(new Replacement("absolutize", "absolutise"));
        assertThat(languageTool.plainEnglish())
                .hasSizeBetween(550, 692)
                .contains(new Replacement("addressees are requested", "please"))
                .noneMatch(phrase -> phrase.to().contains("OMIT"));
    }

    @Test
    void examplesAreCorrectedByTheFirstSuggestion() throws IOException {
        assertThat(LanguageTool.read(jar(FILES)).corrections())
                .containsExactly(
                        new Correction("GRAMMAR", "She|He go home.", Optional.of("She|He goes home.")),
                        new Correction("GRAMMAR", "I is it.", Optional.empty()));
    }

    @Test
    void replacementsAreTheFirstThatAreText() throws IOException {
        var languageTool = LanguageTool.read(jar(FILES));
        assertThat(languageTool.spellings()).containsExactly(new Replacement("color", "colour"));
        assertThat(languageTool.plainEnglish())
                .containsExactly(new Replacement("as to", "about"), new Replacement("at all times", "always"));
    }

    @Test
    void nothingOutsideTheGrammarIsRead() throws IOException {
        var secret = Files.writeString(folder.resolve("secret"), "secret");
        var files = new HashMap<>(FILES);
        files.put(
                "rules/en/grammar.xml",
                "<!DOCTYPE rules [<!ENTITY out SYSTEM '" + secret.toUri() + "'>]><rules><category id='GRAMMAR'>"
                        + "<example correction='b'>&out;<marker>a</marker></example></category></rules>");
        assertThat(LanguageTool.read(jar(files)).corrections())
                .containsExactly(new Correction("GRAMMAR", "a", Optional.of("b")));
    }

    @Test
    void aJarOfSomethingElseIsSaid() throws IOException {
        var other = jar(Map.of("other", ""));
        assertThatThrownBy(() -> LanguageTool.read(other))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(other.toString())
                .hasMessageContaining("it has no org/languagetool/rules/en/grammar.xml");
    }

    private Path jar(Map<String, String> files) throws IOException {
        var jar = folder.resolve("rules.jar");
        try (var out = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (var file : files.entrySet()) {
                out.putNextEntry(new ZipEntry("org/languagetool/" + file.getKey()));
                out.write(file.getValue().getBytes(StandardCharsets.UTF_8));
            }
        }
        return jar;
    }
}
