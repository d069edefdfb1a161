package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.cli.recipe.RuleChoice;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.train.AllocationPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What recipes become under one budget of trained weights. */
class BudgetFitTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void load() {
        Engine.load();
    }

    private ComparedRecipe recipe(String adapter, String... overrides) throws IOException {
        var file = folder.resolve("recipe.yaml");
        Files.writeString(file, """
                adapter: %s
                tasks: [{builtin: noun-supersense}]
                """.formatted(adapter));
        return ComparedRecipe.read(List.of(file), List.of(overrides)).get(0);
    }

    @ParameterizedTest
    @CsvSource({"46080, 5", "46079, 4", "9216, 1", "9217, 1"})
    void theLargestRankWithinTheBudgetIsTaken(long budget, int rank) throws IOException {
        // LoRA on queries and values: 6 layers of 2 matrices, each 384 + 384 numbers a rank.
        var recipe = recipe("{method: lora, rank: 2}");

        assertThat(RankFit.fit(recipe, budget).rank()).hasValue(rank);
    }

    @Test
    void routersCountToTheBudgetAndAlphaFollowsTheRank() throws IOException {
        // 4 experts: 12 matrices of 4 * 768 numbers a rank, and 4 * 384 of the router.
        var recipe = recipe("{method: sira, rank: 2, experts: 4, top-k: 2}");

        var fitted = RankFit.fit(recipe, 12 * (10 * 4 * 768 + 4 * 384) + 1000);

        assertThat(fitted.rank()).hasValue(10);
        assertThat(fitted.recipe())
                .isEqualTo(recipe("{method: sira, rank: 10, alpha: 320, experts: 4, top-k: 2}")
                        .recipe());
    }

    @ParameterizedTest
    @CsvSource({
        // The scale stays: alpha over the rank, and over its root for rsLoRA.
        "'{method: lora, rank: 2, alpha: 6}', 8, 24",
        "'{method: lora, rank: 2, alpha: 6, rslora: true}', 8, 12",
        "'{method: melora, rank: 4, alpha: 6, blocks: 2}', 2, 3",
        // These weights start at alpha, and their scale is 1.
        "'{method: mlae, rank: 1, alpha: 3}', 4, 3"
    })
    void alphaKeepsTheScaleOfAFittedRank(String adapter, int rank, double alpha) throws IOException {
        var recipe = recipe(adapter).withRank(rank);
        assertThat(recipe.rank()).hasValue(rank);
        assertThat(recipe.alpha()).hasValue(alpha);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{method: lora-smoe, rank: 2} | none | 4",
                "{method: lora-smoe, rank: 2} | {samples: 4} | 4",
                "{method: lora-smoe, rank: 2} | {rule: proportional, budget: 9, maximum: 3} | 3",
                "{method: lora, target-modules: all-linear} | {rule: proportional, budget: 9, minimum: 1} | none"
            })
    void anAllocationSharesTheBudgetOutAndTheRankStays(String adapter, String allocation, String maximum)
            throws IOException {
        var recipe = allocation.equals("none") ? recipe(adapter) : recipe(adapter, "allocation=" + allocation);

        var fitted = AllocationFit.fit(recipe, 200_000).orElseThrow();

        assertThat(fitted.rank()).isEqualTo(recipe.rank());
        assertThat(fitted.alpha()).isEqualTo(recipe.alpha());
        var section = Objects.requireNonNull(fitted.recipe().allocation());
        assertThat(section.rule()).isEqualTo(RuleChoice.Name.PROPORTIONAL);
        assertThat(section.weights()).isEqualTo(200_000);
        assertThat(section.budget()).isNull();
        assertThat(String.valueOf(section.maximum())).isEqualTo(maximum.replace("none", "null"));
        // The plan can be made of it.
        assertThat(section.plan(fitted.recipe().adapter().spec(), 1)).isInstanceOf(AllocationPlan.Measured.class);
    }

    @Test
    void rulesThatGoByTheModelAloneAreCountedAsTheyAllocate() throws IOException {
        var recipe = recipe("{method: molora, rank: 1, alpha: 4}", "allocation={rule: uniform, count: 2}");
        assertThat(AllocationFit.fit(recipe, 200_000)).isEmpty();
        // 2 experts: 12 matrices of 2 * 768 numbers a rank, and 2 * 384 of the router.
        var fitted = RankFit.fit(recipe, 12 * (5 * 2 * 768 + 2 * 384));
        assertThat(fitted.rank()).hasValue(5);
        assertThat(fitted.alpha()).hasValue(20);
    }

    @ParameterizedTest
    @CsvSource({"'{rule: percentile, keep: 60}'", "'{keep: 60}'"})
    void aRuleThatKnowsNoBudgetIsRefused(String allocation) throws IOException {
        var recipe = recipe("{method: lora-smoe, rank: 2}", "allocation=" + allocation);
        assertThatThrownBy(() -> AllocationFit.fit(recipe, 200_000))
                .isInstanceOf(InputException.class)
                .hasMessage(recipe.file()
                        + ": the rule percentile knows no budget, so --trained-weights 200,000 can't hold for it; choose"
                        + " the rule proportional, or let espalier allocate write the allocation first and give it with"
                        + " the rule table.");
    }

    @Test
    void aBudgetBelowTheLeastThatIsAllocatedIsSaid() throws IOException {
        var recipe = recipe("{method: lora-smoe, rank: 2}");
        // A of [2, 384] and one B of [384, 2], no router.
        assertThat(AllocationFit.fit(recipe, 1536)).isPresent();
        assertThatThrownBy(() -> AllocationFit.fit(recipe, 1535))
                .isInstanceOf(InputException.class)
                .hasMessage(recipe.file()
                        + ": the method lora-smoe trains 1,536 weights even where its allocation gives the least,"
                        + " and --trained-weights allows 1,535; raise the budget, or lower adapter.rank or"
                        + " allocation.minimum.");
    }
}
