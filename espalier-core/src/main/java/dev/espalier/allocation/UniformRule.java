package dev.espalier.allocation;

/** The same number for every matrix of a group; see {@link AllocationRule#uniform}. */
record UniformRule(int count, Grouping grouping) implements AllocationRule {
    @Override
    public Allocation allocate(Matrices matrices) {
        var counts = matrices.zeros();
        grouping.members(matrices.modules()).forEach(module -> counts.put(module, count));
        return new Allocation(counts);
    }
}
