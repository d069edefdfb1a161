package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.List;
import java.util.TreeSet;

/**
 * MoLA's rule (arXiv 2402.08562): the layers are cut into equal parts from the bottom up, and every matrix of a part gets
 * the same number. Where the layers do not divide evenly, a part begins at the first layer that reaches its share.
 *
 * @param counts from the lowest part to the highest
 * @param grouping which matrices get any
 */
public record DepthRule(List<Integer> counts, Grouping grouping) implements AllocationRule {
    /** Two experts in the lowest quarter of the layers, eight in the highest: MoLA's best. */
    public static final List<Integer> MOLA = List.of(2, 4, 6, 8);

    /** @throws InputException if there is no count, or a negative one */
    public DepthRule {
        counts = List.copyOf(counts);
        if (counts.isEmpty() || counts.stream().anyMatch(count -> count < 0)) {
            throw new InputException("The numbers by depth must be one or more from 0 up, not " + counts + ".");
        }
    }

    /** @throws InputException if a matrix lies in no layer, or if there are fewer layers than parts */
    @Override
    public Allocation allocate(Matrices matrices) {
        var layers = new TreeSet<Integer>();
        matrices.modules().forEach(module -> ModulePath.of(module).layer().ifPresent(layers::add));
        var allocated = matrices.zeros();
        for (var module : grouping.members(matrices.modules())) {
            int below = layers.headSet(layer(module)).size();
            allocated.put(module, counts.get(below * counts.size() / layers.size()));
        }
        if (layers.size() < counts.size()) {
            throw new InputException("The " + layers.size() + " layers cannot be cut into " + counts.size()
                    + " parts; give fewer numbers.");
        }
        return new Allocation(allocated);
    }

    private static int layer(String module) {
        return ModulePath.of(module)
                .layer()
                .orElseThrow(() -> new InputException("There is no layer number in the path of '" + module
                        + "', so nothing can be allocated by depth; choose another rule."));
    }
}
