package dev.espalier.checkpoint;

import java.util.List;

/** A value of a GGUF file's metadata, in one of the format's types. */
public sealed interface GgufValue {
    record Uint32(int value) implements GgufValue {}

    record Int32(int value) implements GgufValue {}

    record Float32(float value) implements GgufValue {}

    record Bool(boolean value) implements GgufValue {}

    record Text(String value) implements GgufValue {}

    record Uint64(long value) implements GgufValue {}

    record Int64(long value) implements GgufValue {}

    record Float64(double value) implements GgufValue {}

    /** @param values all of one type, at least one */
    record Array(List<GgufValue> values) implements GgufValue {
        public Array {
            values = List.copyOf(values);
            if (values.stream().map(GgufValue::type).distinct().count() != 1) {
                throw new IllegalArgumentException("an array of metadata holds values of one type, and at least one");
            }
        }
    }

    /** The type's number in the file. */
    default int type() {
        if (this instanceof Uint32) {
            return 4;
        } else if (this instanceof Int32) {
            return 5;
        } else if (this instanceof Float32) {
            return 6;
        } else if (this instanceof Bool) {
            return 7;
        } else if (this instanceof Text) {
            return 8;
        } else if (this instanceof Array) {
            return 9;
        } else if (this instanceof Uint64) {
            return 10;
        } else {
            return this instanceof Int64 ? 11 : 12;
        }
    }
}
