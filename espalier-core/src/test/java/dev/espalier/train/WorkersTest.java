package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void resultsComeInTheItemsOrderHoweverManyThereAre() {
        try (var workers = new Workers(2)) {
            for (int count : new int[] {0, 1, 2, 7}) {
                var items = IntStream.range(0, count).boxed().toList();
                assertThat(workers.map(items, (item, place) -> 10 * item + place))
                        .isEqualTo(items.stream().map(item -> 11 * item).toList());
            }
        }
    }

    @Test
    void anItemsThreadIsTheSameFromMapToMap() {
        try (var workers = new Workers(2)) {
            Set<Thread> firsts = ConcurrentHashMap.newKeySet();
            Set<Thread> seconds = ConcurrentHashMap.newKeySet();
            for (int i = 0; i < 5; i++) {
                firsts.addAll(workers.map(List.of(0), (item, place) -> Thread.currentThread()));
                var both = workers.map(List.of(0, 1), (item, place) -> Thread.currentThread());
                firsts.add(both.get(0));
                seconds.add(both.get(1));
            }
            assertThat(firsts).hasSize(1);
            assertThat(seconds).hasSize(1).doesNotContainAnyElementsOf(firsts);
        }
    }

    @Test
    void aWorkerWithNothingLeftTakesTheNextItem() {
        try (var workers = new Workers(2)) {
            var others = new CountDownLatch(3);
            // Ends only if the second worker takes all other items.
            var results = workers.map(List.of(0, 1, 2, 3), (item, place) -> {
                if (place == 0) {
                    awaitAll(others);
                } else {
                    others.countDown();
                }
                return Thread.currentThread();
            });
            assertThat(Set.copyOf(results.subList(1, 4))).hasSize(1).doesNotContain(results.get(0));
        }
    }

    @Test
    void theFirstItemsFailureIsThrownWhenAllHaveEnded() {
        try (var workers = new Workers(2)) {
            Set<Integer> seen = ConcurrentHashMap.newKeySet();
            assertThatThrownBy(() -> workers.map(List.of(0, 1, 2, 3), (item, place) -> {
                        seen.add(item);
                        if (item > 0) {
                            throw new IllegalArgumentException("item " + item);
                        }
                        return item;
                    }))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("item 1");
            assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3);
        }
    }

    private static void awaitAll(CountDownLatch latch) {
        try {
            assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
