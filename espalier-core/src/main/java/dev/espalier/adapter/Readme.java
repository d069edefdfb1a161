package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import java.util.Locale;
import java.util.stream.Collectors;

/** The card of an adapter folder, for people and for the Hugging Face hub. */
final class Readme {
    private Readme() {}

    static String of(Adapter adapter, AdapterCard card) {
        boolean peft = AdapterConfig.isPefts(adapter.spec().saved(adapter))
                && card.heads().size() <= 1;
        var heads = card.heads().stream().map(Readme::row).collect(Collectors.joining());
        return """
                ---
                base_model: %s
                %stags:
                - espalier
                - %s
                ---

                # %s adapter for %s

                %,d trained weights in %d modules (%s), made with Espalier.

                | task | answers | labels | pooling |
                |---|---|---|---|
                %s
                %s
                """.formatted(
                        card.baseModel(),
                        peft ? "library_name: peft\n" : "",
                        adapter.spec().method(),
                        adapter.spec().method().toUpperCase(Locale.ROOT),
                        card.baseModel(),
                        adapter.trainedWeights(),
                        adapter.modules().size(),
                        adapter.spec().targets(),
                        heads,
                        peft
                                ? "Load it with Espalier, or with PEFT's `PeftModel.from_pretrained`."
                                : "Load it with Espalier; PEFT has no type for it.");
    }

    private static String row(SavedHead head) {
        return "| %s | %s | %s | %s |%n"
                .formatted(
                        head.task(),
                        head.kind().problemType(),
                        switch (head.kind()) {
                            case CAUSAL_LM -> "text";
                            case REGRESSION -> "a number";
                            case CHOICE -> "the input's candidates";
                            case SINGLE_LABEL, MULTI_LABEL, TOKEN_LABELS ->
                                head.labels().size();
                        },
                        head.pooling().name().toLowerCase(Locale.ROOT));
    }
}
