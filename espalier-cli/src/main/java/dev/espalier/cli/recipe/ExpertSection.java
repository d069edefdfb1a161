package dev.espalier.cli.recipe;

import java.util.List;

/** A kind of experts in a study: one adapter for each task. */
public record ExpertSection(
        @Key(value = "What tables and folders call them.", required = true, example = "lora")
        String name,

        @Key("How each is adapted.") AdapterSection adapter,

        @Key("Changes to the training of these experts, as --set has them, such as [training.learning-rate=1e-3].")
        List<String> set,

        @Key("Whether one more adapter is trained on all tasks together, to compare merges with.")
        boolean multitask,

        @Key("The names of the merges that these experts are merged by; none for all.")
        List<String> merges) {
    static final ExpertSection DEFAULT = new ExpertSection("lora", LoraSection.DEFAULT, List.of(), false, List.of());

    public ExpertSection {
        set = List.copyOf(set);
        merges = List.copyOf(merges);
    }
}
