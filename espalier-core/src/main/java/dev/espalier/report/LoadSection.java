package dev.espalier.report;

import dev.espalier.report.RunHistory.Router;
import java.util.Collections;

/** How evenly a mixture's routers choose as a run goes on: the busiest and the least busy expert of every module. */
final class LoadSection {
    private LoadSection() {}

    static Markup of(int number, RunHistory run) {
        var routers = run.routers().stream()
                .filter(router -> router.load().size() > 1)
                .toList();
        var grids = new StepHeatmaps();
        routers.forEach(router -> grids.put(router.module(), router.step(), cell(router)));
        if (!grids.change()) {
            return new Markup();
        }
        var section = new Markup()
                .open("section")
                .element("h2", "Router load over time of " + run.name())
                .element(
                        "p",
                        "Share of the router's choices that the busiest expert of a module got, in percent, before"
                                + " capacity; twice the share of an even load, or more, is dark. The least busy one's"
                                + " is in the curves, and where the pointer rests.")
                .open("div", "class", "pair")
                .add(CurvesSection.figure(
                        "busiest-" + number,
                        "Share of the busiest expert, mean over layers",
                        RouterSection.curves(routers, router -> Collections.max(router.load()))))
                .add(CurvesSection.figure(
                        "least-busy-" + number,
                        "Share of the least busy expert, mean over layers",
                        RouterSection.curves(routers, router -> Collections.min(router.load()))));
        grids.figures("busiest expert").forEach(section::add);
        return section.close("div").close("section");
    }

    private static Heatmap.Cell cell(Router router) {
        double most = Collections.max(router.load());
        double least = Collections.min(router.load());
        return new Heatmap.Cell(
                Long.toString(Math.round(100 * most)),
                Math.min(1, most * router.load().size() / 2),
                router.module() + ", step " + Figures.count(router.step()) + ": " + expert(router, most)
                        + " is busiest, " + expert(router, least) + " least busy");
    }

    private static String expert(Router router, double share) {
        return "expert " + router.load().indexOf(share) + " with " + Figures.percent(share);
    }
}
