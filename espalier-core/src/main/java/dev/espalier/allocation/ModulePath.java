package dev.espalier.allocation;

import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a module's path says about its place: {@code model.layers.3.self_attn.q_proj} is {@code self_attn.q_proj} of layer
 * 3.
 *
 * @param layer the index of the layer, empty for modules that lie in none
 * @param type the path within the layer, or the whole path where there is no layer
 */
public record ModulePath(OptionalInt layer, String type) {
    private static final Pattern LAYER = Pattern.compile("(?:.*?\\.)?(\\d{1,9})\\.(.+)");

    /** What families call the module around the projections of attention. */
    private static final Set<String> ATTENTION = Set.of("attention", "self_attn", "attn");

    /** Projections of attention that are also known by their own name, for tables that leave the module out. */
    private static final Set<String> PROJECTIONS = Set.of("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj");

    /** The place of the module at {@code path}. */
    public static ModulePath of(String path) {
        var match = LAYER.matcher(path);
        return match.matches()
                ? new ModulePath(OptionalInt.of(Integer.parseInt(match.group(1))), match.group(2))
                : new ModulePath(OptionalInt.empty(), path);
    }

    /** Whether it is a projection of attention: of queries, keys, values, several of them, or of what attention gives. */
    public boolean isAttention() {
        return Stream.of(type.split("\\.")).anyMatch(part -> ATTENTION.contains(part) || PROJECTIONS.contains(part));
    }
}
