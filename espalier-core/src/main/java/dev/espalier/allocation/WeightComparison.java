package dev.espalier.allocation;

import java.util.Optional;

/**
 * The trained weights of an allocation beside what they are compared with.
 *
 * @param trained of the allocation
 * @param loraRank of LoRA on every matrix of the group
 * @param lora its trained weights
 * @param uniformCount for every matrix of the group: the most that one has
 * @param uniform the trained weights then
 */
public record WeightComparison(long trained, int loraRank, long lora, int uniformCount, long uniform) {
    /**
     * The comparison; empty where the shapes of {@code matrices} are not known.
     *
     * @param cost of what was allocated
     * @param group that LoRA and the uniform number are for
     */
    public static Optional<WeightComparison> of(
            Allocation allocation, Matrices matrices, Cost cost, int loraRank, Grouping group) {
        if (matrices.shapes().isEmpty()) {
            return Optional.empty();
        }
        int most = allocation.largest();
        return Optional.of(new WeightComparison(
                cost.total(allocation, matrices.shapes()),
                loraRank,
                uniform(Cost.ranks(), loraRank, group, matrices),
                most,
                uniform(cost, most, group, matrices)));
    }

    private static long uniform(Cost cost, int count, Grouping group, Matrices matrices) {
        return cost.total(AllocationRule.uniform(count, group).allocate(matrices), matrices.shapes());
    }
}
