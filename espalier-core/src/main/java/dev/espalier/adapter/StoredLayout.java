package dev.espalier.adapter;

import org.bytedeco.pytorch.Tensor;

/**
 * How a weight lies in an adapter's file, against how the kernel uses it.
 *
 * @param shape in the file
 * @param kind which axes differ
 */
record StoredLayout(Kind kind, long... shape) {
    enum Kind {
        SAME,
        /** In the file {@code [experts, rank, in]}, in use {@code [experts * rank, in]}. */
        EXPERT_ROWS,
        /** In the file {@code [experts, out, rank]}, in use {@code [out, experts * rank]}. */
        EXPERT_COLUMNS
    }

    static StoredLayout same(long... shape) {
        return new StoredLayout(Kind.SAME, shape);
    }

    static StoredLayout expertRows(long experts, long rank, long in) {
        return new StoredLayout(Kind.EXPERT_ROWS, experts, rank, in);
    }

    static StoredLayout expertColumns(long experts, long out, long rank) {
        return new StoredLayout(Kind.EXPERT_COLUMNS, experts, out, rank);
    }

    /** The file's tensor as the kernel uses it. */
    Tensor fromFile(Tensor stored) {
        return switch (kind) {
            case SAME -> stored;
            case EXPERT_ROWS -> stored.reshape(shape[0] * shape[1], shape[2]);
            case EXPERT_COLUMNS -> stored.permute(1, 0, 2).reshape(shape[1], shape[0] * shape[2]);
        };
    }

    /** The kernel's tensor as the file has it. */
    Tensor toFile(Tensor used) {
        return switch (kind) {
            case SAME -> used;
            case EXPERT_ROWS -> used.view(shape);
            case EXPERT_COLUMNS -> used.view(shape[1], shape[0], shape[2]).permute(1, 0, 2);
        };
    }
}
