package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.route.AdapterLibrary;
import dev.espalier.route.Routing;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a library's adapters are chosen. */
final class RoutingArguments {
    @Option(
            names = "--route",
            paramLabel = "HOW",
            description =
                    "Of a library: arrow chooses for every token at every linear by the adapters' weights (the default), retrieve for every input by the adapters' samples.")
    private @Nullable Way route;

    @Option(
            names = "--route-top-k",
            paramLabel = "K",
            description = "Of a library: adapters that act on a token or an input; " + Routing.TOP_K + " unless given.")
    private @Nullable Integer topK;

    @Option(
            names = "--route-temperature",
            paramLabel = "T",
            description =
                    "Of a library: temperature of the softmax that weighs the chosen ones; 1 for arrow, and equal weights for retrieve, unless given.")
    private @Nullable Double temperature;

    /** The ways there are. */
    enum Way {
        ARROW,
        RETRIEVE
    }

    /** As it was asked for. */
    Routing routing() {
        int most = topK == null ? Routing.TOP_K : topK;
        return route == Way.RETRIEVE
                ? new Routing.Retrieve(most, Optional.ofNullable(temperature))
                : new Routing.Arrow(most, temperature == null ? 1 : temperature);
    }

    /** @throws InputException if adapters are chosen by a whole input, which a conversation that goes on is not */
    void requireByToken() {
        if (route == Way.RETRIEVE) {
            throw new InputException(
                    "--route retrieve chooses adapters for an input that is whole, and a conversation goes"
                            + " on; chat with --route arrow.");
        }
    }

    /**
     * Whether {@code folder} is a library.
     *
     * @throws InputException if it is none, but it was said how its adapters are chosen
     */
    boolean applyTo(Path folder) {
        boolean library = AdapterLibrary.isIn(folder);
        if (!library && (route != null || topK != null || temperature != null)) {
            throw new InputException("--route and its options choose among a library's adapters, and " + folder
                    + " is no library; leave them out, or make one with espalier library add.");
        }
        return library;
    }
}
