package dev.espalier.text.template;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What writes to the output, or decides what is written. */
sealed interface Statement {
    /** How it goes on. */
    enum Flow {
        NEXT,
        CONTINUE,
        BREAK
    }

    Flow execute(Scope scope, StringBuilder output);

    static Flow all(List<Statement> statements, Scope scope, StringBuilder output) {
        for (var statement : statements) {
            var flow = statement.execute(scope, output);
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    /** Text outside of tags. */
    record Data(String text) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            output.append(text);
            return Flow.NEXT;
        }
    }

    /** {@code {{ value }}}. */
    record Output(Expression value, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            scope.run().line = line;
            output.append(PythonText.of(value.evaluate(scope)));
            return Flow.NEXT;
        }
    }

    /** {@code if}; an {@code elif} is one in {@code otherwise}. */
    record If(Expression test, List<Statement> body, List<Statement> otherwise, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            scope.run().line = line;
            return all(Values.truth(test.evaluate(scope)) ? body : otherwise, scope, output);
        }
    }

    /** {@code for}: a scope of its own for each round. */
    record For(
            Assignment target,
            Expression sequence,
            Optional<Expression> test,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            scope.run().line = line;
            var items = Values.iterate(sequence.evaluate(scope)).stream()
                    .filter(item -> test.isEmpty() || holds(test.get(), scope, item))
                    .toList();
            var changes = new Loop.Changes();
            for (int i = 0; i < items.size(); i++) {
                var round = scope.inner();
                target.assign(round, items.get(i));
                round.set("loop", new Loop(items, i, changes));
                if (all(body, round, output) == Flow.BREAK) {
                    return Flow.NEXT;
                }
            }
            return items.isEmpty() ? all(otherwise, scope.inner(), output) : Flow.NEXT;
        }

        private boolean holds(Expression condition, Scope scope, Object item) {
            var round = scope.inner();
            target.assign(round, item);
            return Values.truth(condition.evaluate(round));
        }
    }

    /** {@code break} or {@code continue}. */
    record Jump(Flow flow) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            return flow;
        }
    }

    /** {@code set name = value}. */
    record Set(Assignment target, Expression value, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            scope.run().line = line;
            target.assign(scope, value.evaluate(scope));
            return Flow.NEXT;
        }
    }

    /** {@code set name}: what the body writes. */
    record SetBlock(Assignment target, List<Statement> body, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            var written = new StringBuilder();
            all(body, scope.inner(), written);
            scope.run().line = line;
            target.assign(scope, written.toString());
            return Flow.NEXT;
        }
    }

    /** {@code macro}: a function that gives what its body writes. */
    record Macro(String name, List<String> parameters, Map<String, Expression> defaults, List<Statement> body)
            implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            scope.set(name, (Callable) arguments -> call(scope, arguments));
            return Flow.NEXT;
        }

        private String call(Scope scope, Arguments arguments) {
            var inside = scope.inner();
            var given = arguments.bind(name, parameters);
            for (var parameter : parameters) {
                var byDefault = defaults.get(parameter);
                inside.set(
                        parameter,
                        given.values().containsKey(parameter)
                                ? given.need(parameter)
                                : byDefault != null
                                        ? byDefault.evaluate(inside)
                                        : new Undefined("parameter '" + parameter + "' was not provided"));
            }
            var written = new StringBuilder();
            inside.run().enter(name);
            all(body, inside, written);
            inside.run().leave();
            return written.toString();
        }
    }

    /** {@code generation}: what a model is to write. */
    record Generation(List<Statement> body, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder output) {
            var run = scope.run();
            if (output != run.output) {
                throw new TemplateError("'generation' within a macro or a block that is set is not supported", line);
            }
            int start = output.length();
            var flow = all(body, scope.inner(), output);
            run.generated.add(new Rendering.Span(start, output.length()));
            return flow;
        }
    }
}
