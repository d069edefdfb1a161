package dev.espalier.adapter;

import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Makes the weights of one module's delta, fp32 and trainable, and remembers how each lies in a file. */
public final class DeltaWeights {
    private final String module;
    private final SharedWeights shared;
    private final Source source;
    private final Owner owner;
    private final List<Stored> made = new ArrayList<>();
    private final List<Parameter> unsaved = new ArrayList<>();

    /** First values of a weight, in the shape it is used in. */
    @FunctionalInterface
    interface Initial {
        Tensor draw(RandomStream random);
    }

    /** Where values come from: drawn for a new adapter, read for a saved one. */
    @FunctionalInterface
    interface Source {
        /**
         * @param key the weight's name below the module's path
         * @return the values in the shape they are used in
         */
        Tensor values(String module, String key, StoredLayout layout, Initial initial);

        /** Whether first values are drawn, so that it is worth the while to work them out. */
        default boolean isDrawn() {
            return false;
        }

        /** What an adapter draws later on. */
        default RandomStream random() {
            return RandomStream.of(0);
        }
    }

    /**
     * A weight, its key in a file below the module's path, and its layout there.
     *
     * @param saved makes of the values as the file has them those that are written; mostly the same
     */
    record Stored(String key, StoredLayout layout, Parameter parameter, UnaryOperator<Tensor> saved) {
        /** What is written, of the caller's scope. */
        Tensor toFile() {
            return saved.apply(layout.toFile(parameter.value())).contiguous();
        }
    }

    /** Of a module that is the only one. */
    DeltaWeights(String adapter, String module, Source source, Owner owner) {
        this(module, new SharedWeights(adapter, Map.of(module, List.of()), source, owner), source, owner);
    }

    DeltaWeights(String module, SharedWeights shared, Source source, Owner owner) {
        this.module = module;
        this.shared = shared;
        this.source = source;
        this.owner = owner;
    }

    /** New values, each weight from a stream of its own. */
    static Source drawn(RandomStream random) {
        return new Source() {
            @Override
            public Tensor values(String module, String key, StoredLayout layout, Initial initial) {
                return initial.draw(random.at(module + "." + key));
            }

            @Override
            public boolean isDrawn() {
                return true;
            }

            @Override
            public RandomStream random() {
                return random;
            }
        };
    }

    /** Whether first values are drawn; those of a file need not be worked out. */
    boolean isDrawn() {
        return source.isDrawn();
    }

    /** How many modules the adapter changes, which losses per module are divided by. */
    int modules() {
        return shared.modules();
    }

    /** What all modules have in common. */
    SharedWeights shared() {
        return shared;
    }

    /** The weight that files call {@code MODULE.key}; while in use its name holds the adapter's, as in PEFT. */
    Parameter weight(String key, StoredLayout layout, Initial initial) {
        return make(key, layout, initial, true);
    }

    /** The same for one that no gradient trains. */
    Parameter buffer(String key, StoredLayout layout, Initial initial) {
        return make(key, layout, initial, false);
    }

    private Parameter make(String key, StoredLayout layout, Initial initial, boolean trainable) {
        try (var scope = Scope.open()) {
            var values = source.values(module, key, layout, initial).to(ScalarType.Float);
            var parameter = new Parameter(name(key), own(values), trainable);
            made.add(new Stored(key, layout, parameter, UnaryOperator.identity()));
            return parameter;
        }
    }

    /** Copied, because a file's tensor is a view of the mapping. */
    private Tensor own(Tensor values) {
        return owner.own(values.is_contiguous() ? values.clone() : values.contiguous());
    }

    /**
     * A weight whose shape may change, and how a file holds it.
     *
     * @param shape in the file
     * @param dtype in use; one that is no floating one is frozen
     * @param read makes of the file's tensor what is used
     * @param write makes of what is used the file's tensor
     * @param initial first values, as they are used
     */
    record Form(
            StoredLayout shape,
            ScalarType dtype,
            UnaryOperator<Tensor> read,
            UnaryOperator<Tensor> write,
            Initial initial) {}

    /** The weight that files call {@code MODULE.key}; its shape may change. */
    Parameter resizable(String key, Form form) {
        try (var scope = Scope.open()) {
            var found = source.values(module, key, form.shape, form.initial);
            var values = source.isDrawn() ? found : form.read.apply(found);
            var parameter = Parameter.resizable(name(key), own(values.to(form.dtype)), form.dtype == ScalarType.Float);
            made.add(new Stored(key, form.shape, parameter, form.write));
            return parameter;
        }
    }

    /** A trained weight without a place in an adapter's file, whose shape may change. */
    Parameter unsavedResizable(String key, Supplier<Tensor> values) {
        try (var scope = Scope.open()) {
            var parameter = Parameter.resizable(name(key), own(values.get().to(ScalarType.Float)), true);
            unsaved.add(parameter);
            return parameter;
        }
    }

    private String name(String key) {
        int dot = key.contains(".") ? key.lastIndexOf('.') : key.length();
        return module + "." + key.substring(0, dot) + "." + shared.adapter() + key.substring(dot);
    }

    /** A frozen weight that is kept with a run's state, but has no place in an adapter's file. */
    Parameter unsaved(String key, Supplier<Tensor> values) {
        return unsaved(key, values, false);
    }

    /** A trained weight that has no place of its own in an adapter's file. */
    Parameter unsavedTrained(String key, Supplier<Tensor> values) {
        return unsaved(key, values, true);
    }

    private Parameter unsaved(String key, Supplier<Tensor> values, boolean trained) {
        try (var scope = Scope.open()) {
            var own = owner.own(values.get().to(ScalarType.Float).contiguous().clone());
            var parameter = new Parameter(name(key), own, trained);
            unsaved.add(parameter);
            return parameter;
        }
    }

    /** A frozen one with first values that are drawn. */
    Parameter unsaved(String key, Initial initial) {
        return unsaved(key, () -> source.values(module, key, StoredLayout.same(), initial));
    }

    /** Lets files hold under {@code key} what {@code form} makes of the weight. */
    void saveAs(String key, UnaryOperator<Tensor> form) {
        made.replaceAll(stored ->
                stored.key().equals(key) ? new Stored(key, stored.layout(), stored.parameter(), form) : stored);
    }

    /** Lets files hold under {@code key} another thing that {@code form} makes of a weight that was made. */
    void alsoSave(String key, Parameter weight, UnaryOperator<Tensor> form) {
        made.add(new Stored(key, StoredLayout.same(weight.shape()), weight, form));
    }

    /**
     * The first {@code size} rows or columns of a shared weight: a view, frozen.
     *
     * @param axis 0 for rows, 1 for columns
     */
    Parameter part(Parameter whole, int axis, long size) {
        try (var scope = Scope.open()) {
            return new Parameter(whole.name(), owner.own(whole.value().narrow(axis, 0, size)), false);
        }
    }

    List<Stored> made() {
        return List.copyOf(made);
    }

    /** All weights, those first that files hold. */
    List<Parameter> parameters() {
        return Stream.concat(made.stream().map(Stored::parameter), unsaved.stream())
                .distinct()
                .toList();
    }
}
