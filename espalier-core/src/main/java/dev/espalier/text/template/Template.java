package dev.espalier.text.template;

import dev.espalier.error.InputException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A chat template: a text in the Jinja language (<a href="https://jinja.palletsprojects.com/templates/">template
 * reference</a>), rendered as transformers' {@code apply_chat_template} does, with {@code trim_blocks},
 * {@code lstrip_blocks}, loop controls, {@code generation} tags and the functions {@code raise_exception} and
 * {@code strftime_now}. What a template uses and is not known here is an error, never passed over. Safe to use from
 * several threads.
 */
public final class Template {
    private final String name;
    private final List<Statement> statements;

    private Template(String name, List<Statement> statements) {
        this.name = name;
        this.statements = statements;
    }

    /**
     * Reads a template.
     *
     * @param name what messages call it
     * @throws InputException with name and line, if the template is wrong or uses what is not supported
     */
    public static Template parse(String name, String source) {
        try {
            return new Template(name, StatementParser.parse(source));
        } catch (TemplateError e) {
            throw error(name, e, 1);
        } catch (StackOverflowError e) {
            throw new InputException(name + " nests its tags too deep to be read.", e);
        }
    }

    /**
     * Renders the template.
     *
     * @param variables texts, numbers, flags, lists and maps of these; a null inside is Jinja's {@code none}
     * @param clock what {@code strftime_now} tells
     * @throws InputException with name, line and what is wrong, if the template raises an exception or fails
     */
    public Rendering render(Map<String, ?> variables, Clock clock) {
        var run = new Scope.Run();
        try {
            var known = new HashMap<>(Globals.at(clock));
            variables.forEach((variable, value) -> known.put(variable, Values.of(value)));
            Statement.all(statements, Scope.of(run, known), run.output);
            return new Rendering(run.output.toString(), run.generated);
        } catch (TemplateError e) {
            throw error(name, e, run.line);
        }
    }

    private static InputException error(String name, TemplateError e, int line) {
        var message = String.valueOf(e.getMessage());
        return new InputException(
                name + ", line " + (e.line() > 0 ? e.line() : Math.max(1, line)) + ": " + message
                        + (message.matches("(?s).*[.!?]") ? "" : "."),
                e);
    }
}
