package dev.espalier.cli;

import dev.espalier.data.Split;
import dev.espalier.error.Nearest;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Values of options from text, with errors for people. */
final class OptionValues {
    private OptionValues() {}

    static void register(CommandLine commandLine) {
        commandLine.registerConverter(int.class, OptionValues::wholeNumber);
        commandLine.registerConverter(Integer.class, OptionValues::wholeNumber);
        commandLine.registerConverter(Split.class, lowerCase(Split.class));
        commandLine.registerConverter(ExportCommand.Format.class, lowerCase(ExportCommand.Format.class));
    }

    private static int wholeNumber(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number");
        }
    }

    /** A converter to the constants of {@code type}, written in lower case. */
    private static <E extends Enum<E>> ITypeConverter<E> lowerCase(Class<E> type) {
        return text -> {
            var names = Arrays.stream(type.getEnumConstants())
                    .map(value -> value.name().toLowerCase(Locale.ROOT))
                    .toList();
            if (!names.contains(text)) {
                throw new TypeConversionException("'" + text + "' is none of " + String.join(", ", names)
                        + "; did you mean '" + Nearest.to(text, names, 1).get(0) + "'?");
            }
            return Enum.valueOf(type, text.toUpperCase(Locale.ROOT));
        };
    }
}
