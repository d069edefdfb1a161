package dev.espalier.cli;

import dev.espalier.allocation.Grouping;
import dev.espalier.cli.recipe.MergeFormat;
import dev.espalier.cli.recipe.RuleChoice;
import dev.espalier.data.Split;
import dev.espalier.error.Nearest;
import dev.espalier.merge.Granularity;
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
        commandLine.registerConverter(long.class, OptionValues::longNumber);
        commandLine.registerConverter(Long.class, OptionValues::longNumber);
        commandLine.registerConverter(double.class, OptionValues::number);
        commandLine.registerConverter(Double.class, OptionValues::number);
        commandLine.registerConverter(Split.class, lowerCase(Split.class));
        commandLine.registerConverter(Grouping.class, lowerCase(Grouping.class));
        commandLine.registerConverter(RuleChoice.Name.class, lowerCase(RuleChoice.Name.class));
        commandLine.registerConverter(RuleOptions.Unit.class, lowerCase(RuleOptions.Unit.class));
        commandLine.registerConverter(MergeFormat.class, lowerCase(MergeFormat.class));
        commandLine.registerConverter(MergeOptions.Searched.class, lowerCase(MergeOptions.Searched.class));
        commandLine.registerConverter(Granularity.class, lowerCase(Granularity.class));
        commandLine.registerConverter(RoutingArguments.Way.class, lowerCase(RoutingArguments.Way.class));
        commandLine.registerConverter(ExportCommand.Format.class, lowerCase(ExportCommand.Format.class));
    }

    private static int wholeNumber(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number");
        }
    }

    private static long longNumber(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number");
        }
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a number");
        }
    }

    /** A converter to the constants of {@code type}, written in lower case with hyphens. */
    private static <E extends Enum<E>> ITypeConverter<E> lowerCase(Class<E> type) {
        return text -> {
            var names = Arrays.stream(type.getEnumConstants())
                    .map(value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                    .toList();
            if (!names.contains(text)) {
                throw new TypeConversionException("'" + text + "' is none of " + String.join(", ", names)
                        + "; did you mean '" + Nearest.to(text, names, 1).get(0) + "'?");
            }
            return Enum.valueOf(type, text.toUpperCase(Locale.ROOT).replace('-', '_'));
        };
    }
}
