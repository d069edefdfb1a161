package dev.espalier.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The dtypes of safetensors that libtorch has element by element, in the order in which the format's reference
 * implementation ranks them (its writer puts higher ranks first). The packed ones of less than a byte (F4, F6_…) are
 * not among them.
 */
enum SafetensorsDtype {
    BOOL(ScalarType.Bool, 1),
    U8(ScalarType.Byte, 1),
    I8(ScalarType.Char, 1),
    F8_E5M2(ScalarType.Float8_e5m2, 1),
    F8_E4M3(ScalarType.Float8_e4m3fn, 1),
    F8_E8M0(ScalarType.Float8_e8m0fnu, 1),
    F8_E4M3FNUZ(ScalarType.Float8_e4m3fnuz, 1),
    F8_E5M2FNUZ(ScalarType.Float8_e5m2fnuz, 1),
    I16(ScalarType.Short, 2),
    U16(ScalarType.UInt16, 2),
    F16(ScalarType.Half, 2),
    BF16(ScalarType.BFloat16, 2),
    I32(ScalarType.Int, 4),
    U32(ScalarType.UInt32, 4),
    F32(ScalarType.Float, 4),
    C64(ScalarType.ComplexFloat, 8),
    F64(ScalarType.Double, 8),
    I64(ScalarType.Long, 8),
    U64(ScalarType.UInt64, 8);

    final ScalarType scalarType;
    final int bytes;

    SafetensorsDtype(ScalarType scalarType, int bytes) {
        this.scalarType = scalarType;
        this.bytes = bytes;
    }

    static Optional<SafetensorsDtype> named(String name) {
        return Arrays.stream(values()).filter(d -> d.name().equals(name)).findFirst();
    }

    /** The one that holds elements of {@code type}. */
    static SafetensorsDtype of(ScalarType type) {
        return Arrays.stream(values())
                .filter(d -> d.scalarType == type.intern())
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("safetensors has no dtype for " + type.intern() + "."));
    }
}
