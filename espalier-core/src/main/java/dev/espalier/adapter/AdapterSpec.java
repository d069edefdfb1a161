package dev.espalier.adapter;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Cost;
import dev.espalier.error.InputException;
import dev.espalier.model.Embedding;
import dev.espalier.model.EmbeddingDelta;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import java.util.List;
import java.util.Optional;

/** Which modules an adapter changes and how its delta of one module is composed. */
public sealed interface AdapterSpec
        permits LoraSpec,
                Ia3Spec,
                VeraSpec,
                AdaLoraSpec,
                StructuredLoraSpec,
                MixtureSpec,
                SparseSpec,
                FullSpec,
                HeadOnlySpec {
    /** The method's name in recipes and reports, such as {@code lora}. */
    String method();

    /** The modules that get a delta. */
    TargetModules targets();

    /** Whether a target at {@code path} gets a delta after all. */
    default boolean adapts(String path) {
        return true;
    }

    /** Whether a run decides on the modules' experts before it trains, even if it was not told how. */
    default boolean isAllocated() {
        return false;
    }

    /**
     * The same with as many experts, or such ranks, as each module is given.
     *
     * @throws InputException if the method has neither
     */
    default AdapterSpec allocated(Allocation allocation) {
        throw new InputException(
                "Method '" + method() + "' has neither experts nor ranks to allocate; remove the allocation.");
    }

    /**
     * What the experts or the rank of a module cost in trained weights.
     *
     * @throws InputException if the method has neither
     */
    default Cost allocationCost() {
        throw new InputException(
                "Method '" + method() + "' has neither experts nor ranks to allocate; remove the allocation.");
    }

    /** The rank of a module, or of one of its experts, where patterns do not say otherwise; 0 where the method has none. */
    default int rank() {
        return 0;
    }

    /** The same with what depends on the number of tasks settled. */
    default AdapterSpec forTasks(int tasks) {
        return this;
    }

    /** The same with what depends on the model settled. */
    default AdapterSpec in(LanguageModel model) {
        return this;
    }

    /** Whether the delta of each module can be made without those of the others. */
    default boolean modulesStandAlone() {
        return true;
    }

    /** Ends of the paths of modules that train as a whole, as fp32 copies; heads aside. */
    default List<String> modulesToSave() {
        return List.of();
    }

    /**
     * The same with other modules that train as a whole.
     *
     * @throws IllegalArgumentException if the method has none, and {@code names} is not empty
     */
    default AdapterSpec withModulesToSave(List<String> names) {
        if (!names.isEmpty()) {
            throw new IllegalArgumentException(method() + " trains no whole modules");
        }
        return this;
    }

    /** What the learning rate is multiplied with for the weight that files call {@code MODULE.key}. */
    default double learningRateFactor(String key) {
        return 1;
    }

    /**
     * What changes the budget of {@code adapter}, which has this spec, in a run.
     *
     * @param steps of the run
     * @throws InputException if the schedule does not fit into so many steps
     */
    default Optional<BudgetSchedule> budget(Adapter adapter, int steps) {
        return Optional.empty();
    }

    /** The parts of a run in which weights train one after another; none where all train all the time. */
    default List<Stage> trainingStages() {
        return List.of();
    }

    /** A loss on the weights of {@code adapter}, which has this spec, beside those of the data. */
    default Optional<WeightPenalty> penalty(Adapter adapter) {
        return Optional.empty();
    }

    /** What becomes of the gradients of {@code adapter}, which has this spec, before they are clipped and applied. */
    default Optional<GradientTransform> gradientTransform(Adapter adapter) {
        return Optional.empty();
    }

    /**
     * Weight of how far the answers of two passes lie apart whose random draws differ, in the loss of a step; 0 for a
     * single pass.
     */
    default double consistency() {
        return 0;
    }

    /**
     * The spec of what is saved of {@code adapter}, which has this one: another where the saved weights are another form of
     * the trained ones.
     */
    default AdapterSpec saved(Adapter adapter) {
        return this;
    }

    /** Whether the weight that a file calls {@code key} trains; heads aside. */
    default boolean trains(String key) {
        return true;
    }

    /**
     * How many of the {@code elements} of the tensor that a file calls {@code key} were trained; some only fill it up where
     * another library wants a shape.
     */
    default long trained(String key, long elements) {
        return trains(key) ? elements : 0;
    }

    /**
     * Composes the delta of {@code linear}.
     *
     * @param weights makes the delta's weights, new or from a file
     */
    LinearDelta delta(Linear linear, DeltaWeights weights);

    /**
     * Composes the delta of {@code embedding}.
     *
     * @param weights makes the delta's weights, new or from a file
     * @throws InputException if the method has none for embeddings
     */
    default EmbeddingDelta delta(Embedding embedding, DeltaWeights weights) {
        throw new InputException(
                "Method '" + method() + "' adapts linears only, but its target modules name the embedding "
                        + embedding.name() + "; leave it out, or use method 'lora'.");
    }
}
