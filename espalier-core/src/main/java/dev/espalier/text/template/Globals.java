package dev.espalier.text.template;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** The functions that every template may call. */
final class Globals {
    /** Numbers in a range and repetitions of a text at most, as in Jinja2's sandbox. */
    static final int MOST = 100_000;

    private Globals() {}

    static Map<String, Object> at(Clock clock) {
        return Map.of(
                "range", (Callable) Globals::range,
                "namespace", (Callable) Namespace::new,
                "dict", (Callable) Globals::dict,
                "raise_exception", (Callable) Globals::raise,
                "strftime_now",
                        (Callable) arguments -> Strftime.format(
                                LocalDateTime.now(clock),
                                arguments
                                        .bind("strftime_now", List.of("format"))
                                        .text("format")));
    }

    private static Object range(Arguments arguments) {
        var given = arguments.bind("range", List.of("start", "stop", "step"));
        boolean one = given.values().size() == 1;
        long start = one ? 0 : Values.whole(given.need("start"));
        long stop = Values.whole(given.need(one ? "start" : "stop"));
        long step = Values.whole(given.get("step", 1L));
        if (step == 0) {
            throw new TemplateError("'range' has the step 0");
        }
        long count = Math.max(0, -Math.floorDiv(start - stop, step));
        if (count > MOST) {
            throw new TemplateError("'range' has " + count + " numbers, more than " + MOST);
        }
        return new ArrayList<Object>(
                LongStream.range(0, count).map(i -> start + i * step).boxed().toList());
    }

    private static Object dict(Arguments arguments) {
        if (!arguments.places().isEmpty()) {
            throw new TemplateError("'dict' is supported with named arguments only");
        }
        return new LinkedHashMap<Object, Object>(arguments.names());
    }

    private static Object raise(Arguments arguments) {
        throw new TemplateError("the template says: "
                + PythonText.of(
                        arguments.bind("raise_exception", List.of("message")).need("message")));
    }
}
