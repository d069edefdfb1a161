package dev.espalier.text.template;

import java.util.List;

/** What {@code loop} stands for at one place of a sequence. */
record Loop(List<Object> items, int index, Changes changes) implements Attributed {
    /** What {@code loop.changed} was asked last; one for all rounds of a loop. */
    static final class Changes {
        private Object last = new Undefined("nothing was asked yet");
        private boolean asked;

        boolean changed(Object now) {
            boolean changed = !asked || !Operators.equal(last, now);
            last = now;
            asked = true;
            return changed;
        }
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> items.size() - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> 1L; // more only in a recursive loop
            case "depth0" -> 0L;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" -> index + 1 < items.size() ? items.get(index + 1) : new Undefined("there is no next item");
            case "cycle" -> (Callable) this::cycle;
            case "changed" -> (Callable) arguments -> changes.changed(new Tuple(arguments.places()));
            default -> new Undefined("'loop' has no attribute '" + name + "'");
        };
    }

    private Object cycle(Arguments arguments) {
        if (arguments.places().isEmpty()) {
            throw new TemplateError("'loop.cycle' has nothing to choose from");
        }
        return arguments.places().get(index % arguments.places().size());
    }
}
