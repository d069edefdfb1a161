package dev.espalier.tensor;

import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Tensor;

/** A libtorch operator that has no Java binding, called through the dispatcher. */
public final class NativeOp {
    private final OperatorHandle handle;

    /** The operator of a schema such as {@code aten::_softmax_backward_data} and overload such as {@code out}. */
    public NativeOp(String schema, String overload) {
        Engine.load();
        try (var scope = Scope.open()) {
            handle = scope.keep(new OperatorHandle(Dispatcher.singleton().findSchemaOrThrow(schema, overload)));
            handle.retainReference();
        }
    }

    /** Calls the operator with its arguments in the schema's order; null stands for None. */
    public void call(Object... arguments) {
        try (var scope = Scope.open()) {
            var stack = new IValueVector();
            for (var argument : arguments) {
                stack.push_back(value(argument));
            }
            handle.callBoxed(stack);
        }
    }

    private static IValue value(Object argument) {
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
        throw new IllegalArgumentException("no native value for " + argument.getClass());
    }
}
