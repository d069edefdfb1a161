package dev.espalier.cli.recipe;

import dev.espalier.adapter.FullSpec;
import java.util.List;

/** Full fine-tuning of chosen modules; see {@link FullSpec}, which it becomes. */
@Variant(value = FullSpec.METHOD, is = "full fine-tuning of chosen modules: the baseline")
public record FullSection(@Inline TargetSection target) implements AdapterSection {
    static final FullSection DEFAULT =
            new FullSection(TargetSection.of(FullSpec.defaults().targets()));

    @Override
    public FullSpec spec() {
        return new FullSpec(target.targets(), List.of());
    }
}
