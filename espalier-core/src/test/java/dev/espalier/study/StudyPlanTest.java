package dev.espalier.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StudyPlanTest {
    private static final List<String> TASKS =
            IntStream.range(0, 20).mapToObj(i -> "t" + i).toList();

    @Test
    void setsAreDifferentAndSmallerOnesArePartsOfLargerOnes() {
        var plan = new StudyPlan(TASKS, List.of("other"), List.of(10, 2, 20, 5), 3, 7);
        assertThat(plan.counts()).containsExactly(2, 5, 10, 20);
        for (int count : List.of(2, 5, 10)) {
            assertThat(plan.drawn(count)).hasSize(3).doesNotHaveDuplicates().allSatisfy(set -> assertThat(set)
                    .hasSize(count)
                    .isSubsetOf(TASKS)
                    .isSortedAccordingTo((a, b) -> TASKS.indexOf(a) - TASKS.indexOf(b)));
        }
        for (int draw = 0; draw < 3; draw++) {
            assertThat(plan.drawn(5).get(draw)).containsAll(plan.drawn(2).get(draw));
            assertThat(plan.drawn(10).get(draw)).containsAll(plan.drawn(5).get(draw));
        }
        assertThat(plan.drawn(20)).containsExactly(TASKS);
        assertThat(plan.drawn(5)).isEqualTo(plan.drawn(5));
        assertThat(new StudyPlan(TASKS, List.of(), List.of(5), 3, 8).drawn(5)).isNotEqualTo(plan.drawn(5));
    }

    @Test
    void thereAreNoMoreSetsThanThereAre() {
        var plan = new StudyPlan(TASKS.subList(0, 3), List.of(), List.of(2), 9, 0);
        assertThat(plan.drawn(2)).hasSize(3).doesNotHaveDuplicates();
    }

    @Test
    void plansThatCannotBeCarriedOutAreRefused() {
        assertThatThrownBy(() -> new StudyPlan(TASKS, List.of(), List.of(2, 21), 3, 0))
                .isInstanceOf(InputException.class)
                .hasMessage("counts has 21, but there are 20 held-in tasks with an adapter each; give numbers from 1 to"
                        + " 20.");
        assertThatThrownBy(() -> new StudyPlan(TASKS, List.of("t3"), List.of(2), 3, 0))
                .isInstanceOf(InputException.class)
                .hasMessage("Two tasks are called 't3'; give each a name of its own.");
        assertThatThrownBy(() -> new StudyPlan(TASKS, List.of(), List.of(), 3, 0))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("counts is empty");
        assertThatThrownBy(() -> new StudyPlan(TASKS, List.of(), List.of(2), 0, 0))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("draws is 0");
    }
}
