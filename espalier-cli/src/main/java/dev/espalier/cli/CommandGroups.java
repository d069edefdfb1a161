package dev.espalier.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.TextTable;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Lists the commands in the order in which one comes to need them, under headings. */
final class CommandGroups {
    private static final List<Group> GROUPS = List.of(
            new Group("Begin", List.of("demo")),
            new Group("Train", List.of("recipe", "allocate", "train", "compare", "study")),
            new Group("Use", List.of("evaluate", "predict", "generate", "chat", "merge", "library", "export")),
            new Group("Look", List.of("inspect", "bench")),
            new Group("Set up", List.of("completion")));

    private record Group(String heading, List<String> commands) {}

    private CommandGroups() {}

    static void arrange(CommandLine commandLine) {
        List<String> sections = new ArrayList<>(commandLine.getHelpSectionKeys());
        sections.remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING);
        sections.remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST);
        sections.add(
                sections.indexOf(UsageMessageSpec.SECTION_KEY_OPTION_LIST_HEADING),
                UsageMessageSpec.SECTION_KEY_COMMAND_LIST);
        commandLine.setHelpSectionKeys(sections);
        commandLine.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandGroups::render);
    }

    private static String render(Help help) {
        var text = new StringBuilder();
        for (var group : GROUPS) {
            text.append('\n').append(group.heading).append(":\n");
            int width = help.commandSpec().usageMessage().width();
            var table = TextTable.forColumns(
                    help.colorScheme(),
                    new Column(14, 2, Column.Overflow.SPAN),
                    new Column(width - 14, 2, Column.Overflow.WRAP));
            for (var name : group.commands) {
                var command = Objects.requireNonNull(help.subcommands().get(name), name);
                var description = command.commandSpec().usageMessage().description();
                table.addRowValues(
                        help.colorScheme().commandText(name), help.colorScheme().text(String.join(" ", description)));
            }
            text.append(table);
        }
        return text.toString();
    }
}
