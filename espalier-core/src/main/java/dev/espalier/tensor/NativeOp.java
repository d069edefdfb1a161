package dev.espalier.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.OperatorName;
import org.bytedeco.pytorch.Tensor;

/** A libtorch operator that has no Java binding, called through the dispatcher. Made once and kept for good. */
public final class NativeOp {
    private final OperatorHandle handle;

    /** The operator of a schema such as {@code aten::_softmax_backward_data} and overload such as {@code out}. */
    public NativeOp(String schema, String overload) {
        Engine.load();
        handle = Dispatcher.singleton().findSchemaOrThrow(schema, overload);
        handle.retainReference();
    }

    /** The operator, if this build of libtorch has it. */
    public static Optional<NativeOp> find(String schema, String overload) {
        Engine.load();
        try (var scope = Scope.open()) {
            boolean known = Dispatcher.singleton()
                    .findSchema(new OperatorName(schema, overload))
                    .has_value();
            return known ? Optional.of(new NativeOp(schema, overload)) : Optional.empty();
        }
    }

    /**
     * Calls the operator.
     *
     * @param arguments in the schema's order: tensors, numbers, flags, strings or native values
     * @return what it returns; it belongs to the caller's scope
     */
    public IValueVector call(Object... arguments) {
        var stack = new IValueVector();
        for (var argument : arguments) {
            stack.push_back(value(argument));
        }
        handle.callBoxed(stack);
        return stack;
    }

    private static IValue value(Object argument) {
        if (argument instanceof IValue value) {
            return value;
        }
        if (argument instanceof Tensor tensor) {
            return new IValue(tensor);
        }
        if (argument instanceof Double number) {
            return new IValue(number.doubleValue());
        }
        if (argument instanceof Long number) {
            return new IValue(number.longValue());
        }
        if (argument instanceof Boolean flag) {
            return new IValue(flag.booleanValue());
        }
        if (argument instanceof String text) {
            return new IValue(text);
        }
        throw new IllegalArgumentException("no native value for " + argument.getClass());
    }
}
