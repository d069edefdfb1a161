package dev.espalier.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** Held to what Jinja2 gives, which {@code templates/render.py} wrote down. */
class TemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2024-07-06T09:05:03Z"), ZoneOffset.UTC);

    @TestFactory
    Stream<DynamicTest> everyTemplateRendersEveryConversationAsJinjaDoes() {
        var conversations = json("conversations.json");
        return json("rendered.json").properties().stream().flatMap(template -> template.getValue().properties().stream()
                .map(rendered -> DynamicTest.dynamicTest(
                        template.getKey() + " " + rendered.getKey(),
                        () -> check(
                                resource(template.getKey()),
                                conversations.get(rendered.getKey()),
                                rendered.getValue()))));
    }

    @TestFactory
    Stream<DynamicTest> everyExpressionGivesWhatItGivesInJinja() {
        var variables = json("expressions.json").get("variables");
        return json("expressions_rendered.json")
                .valueStream()
                .map(expected -> DynamicTest.dynamicTest(
                        "«" + expected.get("template").asString() + "»",
                        () -> check(expected.get("template").asString(), variables, expected)));
    }

    @Test
    void anErrorNamesTemplateLineAndMessage() {
        assertThatThrownBy(() -> render("a\n\n{{ raise_exception('no system turn') }}"))
                .isInstanceOf(InputException.class)
                .hasMessage("chat, line 3: the template says: no system turn.");
        assertThatThrownBy(() -> render("{% if a %}\n{% for b in c %}\n{{ b | tojsn }}{% endfor %}{% endif %}"))
                .isInstanceOf(InputException.class)
                .hasMessage("chat, line 3: the filter 'tojsn' is not supported (nearest: 'tojson').");
        assertThatThrownBy(() -> render("{{ 1 }}\n{% include 'x' %}"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("chat, line 2: the tag 'include' is not supported");
    }

    @Test
    void whatIsNotSupportedIsRefusedAndNotPassedOver() {
        for (var template : List.of(
                "{% for a in [1] recursive %}{% endfor %}",
                "{{ dict(*[1]) }}",
                "{{ '\\N{DASH}' }}",
                "{{ [1] | batch(2) }}",
                "{{ strftime_now('%U') }}",
                "{{ 'a' | trim(nope=1) }}",
                "{% break %}",
                "{% set a %}{% generation %}x{% endgeneration %}{% endset %}")) {
            assertThatThrownBy(() -> render(template)).as(template).isInstanceOf(InputException.class);
        }
    }

    @Test
    void endlessMacrosAreStopped() {
        assertThatThrownBy(() -> render("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'a' calls itself more than 100 times");
    }

    private static Rendering render(String template) {
        return Template.parse("chat", template).render(Map.of(), CLOCK);
    }

    private static void check(String template, JsonNode variables, JsonNode expected) {
        Map<String, ?> given = Json.mapper().convertValue(variables, Variables.class);
        if (expected.has("error")) {
            assertThatThrownBy(() -> Template.parse("chat", template).render(given, CLOCK))
                    .isInstanceOf(InputException.class);
            return;
        }
        var rendering = Template.parse("chat", template).render(given, CLOCK);
        assertThat(rendering.text()).isEqualTo(expected.get("text").asString());
        var generated = new ArrayList<Rendering.Span>();
        for (var span : expected.get("generated")) {
            generated.add(new Rendering.Span(
                    rendering.text().offsetByCodePoints(0, span.get(0).asInt()),
                    rendering.text().offsetByCodePoints(0, span.get(1).asInt())));
        }
        assertThat(rendering.generated()).isEqualTo(generated);
    }

    /** A JSON object as plain Java. */
    private static final class Variables extends java.util.LinkedHashMap<String, Object> {
        private static final long serialVersionUID = 1L;
    }

    private static JsonNode json(String name) {
        return Json.mapper().readTree(resource(name));
    }

    private static String resource(String name) {
        try (var in = TemplateTest.class.getResourceAsStream("/templates/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
