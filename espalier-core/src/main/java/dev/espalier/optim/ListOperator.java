package dev.espalier.optim;

import java.util.Collection;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Type;

/**
 * libtorch's operators over lists of tensors, one native call for a whole list. The Java bindings leave them out, so
 * they are called through the dispatcher by their schema names. Everything made here belongs to the caller's scope.
 */
final class ListOperator {
    private ListOperator() {}

    static IValue list(Collection<Tensor> tensors) {
        var list = new GenericList(new Type.TypePtr(TensorType.get()));
        list.reserve(tensors.size());
        for (var tensor : tensors) {
            list.push_back(new IValue(tensor));
        }
        return new IValue(list);
    }

    /** {@code _foreach_add_}: adds {@code value} to every tensor. */
    static void add(IValue tensors, double value) {
        call("aten::_foreach_add_", "Scalar", tensors, new IValue(value));
    }

    /** {@code _foreach_mul_}: multiplies every tensor by {@code value}. */
    static void multiply(IValue tensors, double value) {
        call("aten::_foreach_mul_", "Scalar", tensors, new IValue(value));
    }

    /** {@code _foreach_norm}: the 2-norm of every tensor, scalars. */
    static TensorVector norms(IValue tensors) {
        return call("aten::_foreach_norm", "Scalar", tensors, new IValue(2.0), new IValue())
                .get(0)
                .toTensorVector();
    }

    static IValueVector call(String name, String overload, IValue... arguments) {
        var operator = Dispatcher.singleton().findSchemaOrThrow(name, overload);
        var stack = new IValueVector(arguments);
        operator.callBoxed(stack);
        return stack;
    }
}
