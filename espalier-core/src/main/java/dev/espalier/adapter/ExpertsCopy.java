package dev.espalier.adapter;

import java.util.List;
import java.util.Map;

/** The {@link MixtureSpec.Experts} of a mixture while some of its parts change. */
final class ExpertsCopy {
    MixtureSpec.Kind kind;
    ModuleNames bottlenecks;
    int count;
    Map<String, Integer> pattern;
    boolean allocated;
    List<Integer> byDepth;
    int rank;
    Map<String, Integer> rankPattern;
    List<Integer> ranksByDepth;
    double alpha;
    double dropout;
    MixtureSpec.Initialisation initialisation;
    double riemannianEpsilon;

    ExpertsCopy(MixtureSpec.Experts experts) {
        kind = experts.kind();
        bottlenecks = experts.bottlenecks();
        count = experts.count();
        pattern = experts.pattern();
        allocated = experts.allocated();
        byDepth = experts.byDepth();
        rank = experts.rank();
        rankPattern = experts.rankPattern();
        ranksByDepth = experts.ranksByDepth();
        alpha = experts.alpha();
        dropout = experts.dropout();
        initialisation = experts.initialisation();
        riemannianEpsilon = experts.riemannianEpsilon();
    }

    MixtureSpec.Experts experts() {
        return new MixtureSpec.Experts(
                kind,
                bottlenecks,
                count,
                pattern,
                allocated,
                byDepth,
                rank,
                rankPattern,
                ranksByDepth,
                alpha,
                dropout,
                initialisation,
                riemannianEpsilon);
    }
}
