package dev.espalier.data;

import dev.espalier.error.InputException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/** Text files are UTF-8, plain or compressed with gzip. */
final class Utf8 {
    private Utf8() {}

    /** The content of a text file, unpacked if its name ends with {@code .gz}. */
    static InputStream open(Path file) throws IOException {
        var in = new BufferedInputStream(Files.newInputStream(file));
        return isCompressed(file) ? new GZIPInputStream(in) : in;
    }

    static boolean isCompressed(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
    }

    /** The first line, without a byte order mark; empty for an empty file. */
    static String firstLine(Path file) {
        try (var in = new BufferedReader(new InputStreamReader(open(file), StandardCharsets.UTF_8))) {
            var line = in.readLine();
            return line == null ? "" : line.replaceFirst("^\uFEFF", "");
        } catch (IOException e) {
            throw cannotRead(file, e);
        }
    }

    static InputException cannotRead(Path file, IOException e) {
        return new InputException("Cannot read " + file + ": " + e.getMessage() + ".", e);
    }

    /**
     * Reads the file once.
     *
     * @throws InputException with line and byte, counted from 1 and 0, if the text is not UTF-8
     */
    static void check(Path file) {
        try (var in = open(file)) {
            var decoder = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT);
            var bytes = ByteBuffer.allocate(1 << 16);
            var text = CharBuffer.allocate(1 << 16);
            long offset = 0;
            long line = 1;
            boolean end = false;
            while (!end) {
                int count = in.read(bytes.array(), bytes.position(), bytes.remaining());
                end = count < 0;
                bytes.position(bytes.position() + Math.max(count, 0)).flip();
                CoderResult result = decoder.decode(bytes, text, end);
                offset += bytes.position();
                line += text.flip()
                        .chars()
                        .filter(character -> character == '\n')
                        .count();
                text.clear();
                if (result.isError()) {
                    throw new InputException(file + ", line " + line + " (byte " + offset
                            + "): not UTF-8 text; save the file as UTF-8.");
                }
                bytes.compact();
            }
        } catch (IOException e) {
            throw cannotRead(file, e);
        }
    }
}
