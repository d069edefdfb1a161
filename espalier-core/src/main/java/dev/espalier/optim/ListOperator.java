package dev.espalier.optim;

import dev.espalier.tensor.NativeOp;
import java.util.Collection;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Type;

/**
 * libtorch's operators over lists of tensors, one native call for a whole list. The Java bindings leave them out, so
 * they are called through the dispatcher by their schema names. Everything made here belongs to the caller's scope.
 */
final class ListOperator {
    /** AdamW's step: {@code aten::_fused_adamw_}. */
    static final NativeOp FUSED_ADAMW = new NativeOp("aten::_fused_adamw_", "");

    private static final NativeOp ADD = new NativeOp("aten::_foreach_add_", "Scalar");
    private static final NativeOp MULTIPLY = new NativeOp("aten::_foreach_mul_", "Scalar");
    private static final NativeOp NORM = new NativeOp("aten::_foreach_norm", "Scalar");

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
        ADD.call(tensors, value);
    }

    /** {@code _foreach_mul_}: multiplies every tensor by {@code value}. */
    static void multiply(IValue tensors, double value) {
        MULTIPLY.call(tensors, value);
    }

    /** {@code _foreach_norm}: the 2-norm of every tensor, scalars. */
    static TensorVector norms(IValue tensors) {
        return NORM.call(tensors, 2.0, new IValue()).get(0).toTensorVector();
    }
}
