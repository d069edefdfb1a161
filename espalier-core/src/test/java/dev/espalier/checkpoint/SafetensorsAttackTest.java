package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are crafted or damaged: each is rejected with a sentence that says what is wrong, before data is read. */
class SafetensorsAttackTest {
    @TempDir
    Path folder;

    @Test
    void anEmptyFile() throws IOException {
        assertRejected(new byte[0], "is empty");
    }

    @Test
    void aFileShorterThanTheLengthItself() throws IOException {
        assertRejected(new byte[7], "it has 7 bytes");
    }

    @Test
    void aHeaderOverTheLimitInAFileThatIsLongEnough() throws IOException {
        var file = folder.resolve("bad.safetensors");
        try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(SafetensorsHeader.MAX_BYTES + 1)
                    .array());
            sparse.setLength(SafetensorsHeader.MAX_BYTES + 100);
        }
        assertRejected(file, "100000001 bytes, above the limit of 100000000");
    }

    @Test
    void aHeaderLengthWithTheHighestBitSet() throws IOException {
        assertRejected(file(-1, "{}", 0), "18446744073709551615 bytes, above the limit");
    }

    @Test
    void aHeaderPastTheEndOfTheFile() throws IOException {
        assertRejected(file(3, "{}", 0), "past the end of the file of 10 (truncated?)");
    }

    @Test
    void overlappingOffsets() throws IOException {
        assertRejected(
                "{%s,%s}".formatted(tensor("a", "F32", "[2]", 0, 8), tensor("b", "F32", "[2]", 4, 12)),
                12,
                "'b' has offsets [4, 12], which overlap");
    }

    @Test
    void twoTensorsOnTheSameBytes() throws IOException {
        assertRejected(
                "{%s,%s}".formatted(tensor("a", "F32", "[2]", 0, 8), tensor("b", "F32", "[2]", 0, 8)),
                8,
                "'b' has offsets [0, 8], which overlap");
    }

    @Test
    void aHoleBetweenTensors() throws IOException {
        assertRejected(
                "{%s,%s}".formatted(tensor("a", "F32", "[1]", 0, 4), tensor("b", "F32", "[1]", 8, 12)),
                12,
                "'b' has offsets [8, 12], which leave a hole after 4");
    }

    @Test
    void aHoleBeforeTheFirstTensor() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[1]", 4, 8)), 8, "leave a hole after 0");
    }

    @Test
    void bytesAfterTheLastTensor() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[1]", 0, 4)), 5, "a hole up to the data's 5 bytes");
    }

    @Test
    void aTruncatedFile() throws IOException {
        assertRejected(
                "{%s}".formatted(tensor("a", "F32", "[2]", 0, 8)),
                7,
                "past the end of the data of 7 bytes (truncated?)");
    }

    @Test
    void offsetsThatDoNotMatchDtypeAndShape() throws IOException {
        assertRejected(
                "{%s}".formatted(tensor("a", "F32", "[3]", 0, 8)), 8, "offsets [0, 8], but F32 [3] takes 12 bytes");
    }

    @Test
    void offsetsThatRunBackwards() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[1]", 4, 0)), 4, "offsets [4, 0], but F32 [1] takes 4");
    }

    @Test
    void aShapeWhoseProductOverflows() throws IOException {
        assertRejected(
                "{%s}".formatted(tensor("a", "F32", "[4294967296,4294967296]", 0, 0)), 0, "more than 2^63 bytes");
    }

    @Test
    void aShapeWhoseBytesOverflow() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[4611686018427387904]", 0, 0)), 0, "more than 2^63 bytes");
    }

    @Test
    void aNegativeSize() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[-1,-1]", 0, 4)), 4, "negative number -1");
    }

    @Test
    void anOffsetThatIsNoLong() throws IOException {
        assertRejected(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[18446744073709551615,0]}}", 1, "not JSON");
    }

    @Test
    void aSizeThatIsNoInteger() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F32", "[1.0]", 0, 4)), 4, "VALUE_NUMBER_INT");
    }

    @Test
    void duplicateNames() throws IOException {
        assertRejected(
                "{%s,%s}".formatted(tensor("a", "F32", "[1]", 0, 4), tensor("a", "F32", "[1]", 4, 8)),
                8,
                "the name 'a' occurs twice");
    }

    @Test
    void duplicateKeysInsideATensor() throws IOException {
        assertRejected(
                "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                1,
                "tensor 'a' has 'dtype' twice");
    }

    @Test
    void duplicateMetadata() throws IOException {
        assertRejected("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "the name '__metadata__' occurs twice");
        assertRejected("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "'k' twice");
    }

    @Test
    void metadataThatIsNotText() throws IOException {
        assertRejected("{\"__metadata__\":{\"k\":1}}", 0, "VALUE_STRING");
    }

    @Test
    void anUnknownDtype() throws IOException {
        assertRejected("{%s}".formatted(tensor("a", "F31", "[1]", 0, 4)), 4, "'F31', none of [BOOL, U8,");
    }

    @Test
    void aTensorWithoutOffsets() throws IOException {
        assertRejected("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "needs a dtype, a shape and two data_offsets");
    }

    @Test
    void aHeaderThatIsNotJson() throws IOException {
        assertRejected("{\"a\":", 0, "its header is not JSON");
        assertRejected("\u0001\u0002\u0003", 0, "its header is not JSON");
    }

    @Test
    void aHeaderThatIsNotUtf8() throws IOException {
        var bytes = file(11, "{\"a?\":null}", 0);
        bytes[8 + 3] = (byte) 0xff;
        assertRejected(bytes, "its header is not JSON");
    }

    @Test
    void aHeaderThatIsNoObject() throws IOException {
        assertRejected("[1]", 0, "the header has START_ARRAY where START_OBJECT belongs");
    }

    @Test
    void aHeaderOfSpaces() throws IOException {
        assertRejected("        ", 0, "the header has null where START_OBJECT belongs");
    }

    @Test
    void textAfterTheHeader() throws IOException {
        assertRejected("{} {}", 0, "text follows the header's JSON object");
    }

    @Test
    void aHeaderNestedTooDeep() throws IOException {
        assertRejected("{\"a\":{\"x\":" + "[".repeat(100_000) + "}}", 0, "its header is not JSON");
    }

    private static String tensor(String name, String dtype, String shape, long begin, long end) {
        return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                .formatted(name, dtype, shape, begin, end);
    }

    private static byte[] file(long length, String header, int dataBytes) {
        var json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(json)
                .array();
    }

    private void assertRejected(String header, int dataBytes, String message) throws IOException {
        assertRejected(file(header.length(), header, dataBytes), message);
    }

    private void assertRejected(byte[] content, String message) throws IOException {
        assertRejected(Files.write(folder.resolve("bad.safetensors"), content), message);
    }

    private static void assertRejected(Path file, String message) {
        assertThatThrownBy(() -> SafetensorsFile.open(file).close())
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }
}
