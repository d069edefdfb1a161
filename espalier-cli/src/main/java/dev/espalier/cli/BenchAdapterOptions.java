package dev.espalier.cli;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.bench.Shape;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which adapter a benchmark measures. */
final class BenchAdapterOptions {
    private static final Map<String, SparseSpec> SPARSE = Stream.of(
                    SparseSpec.sparse(), SparseSpec.shira(), SparseSpec.spiel(), SparseSpec.ltSft())
            .collect(Collectors.toMap(SparseSpec::method, spec -> spec, (a, b) -> a, LinkedHashMap::new));

    private static final List<String> METHODS = Stream.of(
                    Stream.of(LoraSpec.METHOD),
                    Mixtures.all().keySet().stream(),
                    SPARSE.keySet().stream(),
                    Stream.of(FullSpec.METHOD))
            .flatMap(names -> names)
            .toList();

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            completionCandidates = Methods.class,
            description = "One of ${COMPLETION-CANDIDATES}. Default lora.")
    private String method = LoraSpec.METHOD;

    @Option(
            names = "--rank",
            paramLabel = "R",
            description = "Default " + LoraSpec.RANK + " for lora, else the method's own.")
    private @Nullable Integer rank;

    @Option(names = "--experts", paramLabel = "E", description = "Of a mixture. Default: the method's own.")
    private @Nullable Integer experts;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Experts that a token of a mixture uses, where it chooses. Default: the method's own.")
    private @Nullable Integer topK;

    @Option(
            names = "--keep-ratio",
            paramLabel = "SHARE",
            description = "Of each matrix, that a sparse adapter keeps. Default: the method's own.")
    private @Nullable Double keepRatio;

    @Option(
            names = "--block-size",
            paramLabel = "N",
            description = "Side of the blocks that a sparse adapter keeps; 0 for single entries. Default 0.")
    private int blockSize;

    @Option(names = "--attention", description = "On all four matrices of attention.")
    private boolean attention;

    @Option(
            names = "--all-linear",
            description = "On all linears. Default: on query and value, of sparse methods and full on key, too.")
    private boolean allLinear;

    /** What is to be measured, on the modules of {@code shape} that are asked for. */
    AdapterSpec spec(Shape shape) {
        return spec(targets(shape));
    }

    TargetModules targets(Shape shape) {
        if (allLinear && attention) {
            throw new InputException("--all-linear and --attention say different things; give one of them.");
        }
        boolean keys = SPARSE.containsKey(method) || method.equals(FullSpec.METHOD);
        var usual = keys ? shape.attentionInputs() : shape.targets();
        return allLinear ? TargetModules.allLinear() : attention ? shape.attention() : usual;
    }

    private AdapterSpec spec(TargetModules targets) {
        if (method.equals(LoraSpec.METHOD)) {
            var lora = LoraSpec.defaults().withTargets(targets);
            return rank == null ? lora : lora.withRank(rank);
        }
        if (!METHODS.contains(method)) {
            throw new InputException("There is no benchmark of the method '" + method + "'; did you mean '"
                    + Nearest.to(method, METHODS, 1).get(0) + "'?");
        }
        if (method.equals(FullSpec.METHOD)) {
            return FullSpec.defaults().withTargets(targets);
        }
        var sparse = SPARSE.get(method);
        if (sparse != null) {
            return sparse(sparse.withTargets(targets));
        }
        var mixture = Mixtures.of(method);
        return mixture.with(m -> m.targets(targets)
                .expertsByDepth(experts == null ? mixture.experts().byDepth() : List.of())
                .experts(experts == null ? mixture.experts().count() : experts)
                .topK(topK == null ? mixture.routing().topK() : topK)
                .rank(rank == null ? mixture.experts().rank() : rank));
    }

    /** As it trains once its entries are chosen. */
    private SparseSpec sparse(SparseSpec spec) {
        var ranked = rank == null ? spec : spec.withRank(rank);
        return (keepRatio == null ? ranked : ranked.withKeepRatio(keepRatio)).withBlockSize(blockSize);
    }

    static final class Methods implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return METHODS.iterator();
        }
    }
}
