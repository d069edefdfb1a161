package dev.espalier.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    @Test
    void whatCannotBeginAStopStringPassesAtOnce() {
        var stops = new StopStrings(List.of("\n\nUser:", "###"));
        assertThat(stops.add("Hello\n")).isEqualTo("Hello");
        assertThat(stops.add("you #")).isEqualTo("\nyou ");
        assertThat(stops.add("1 ##")).isEqualTo("#1 ");
        assertThat(stops.found()).isFalse();
        assertThat(stops.finish()).isEqualTo("##");
    }

    @Test
    void ofStopStringsThatEndTogetherTheLongestCounts() {
        var stops = new StopStrings(List.of("end", "The end"));
        assertThat(stops.add("It is. The end. Or")).isEqualTo("It is. ");
        assertThat(stops.found()).isTrue();
        assertThat(stops.add("more") + stops.finish()).isEmpty();
    }

    @Test
    void theOneThatIsCompleteFirstCounts() {
        assertThat(new StopStrings(List.of("abcd", "bc")).add("xabcd")).isEqualTo("xa");
    }

    @Test
    void withoutStopStringsAllPasses() {
        assertThat(new StopStrings(List.of()).add("anything")).isEqualTo("anything");
    }

    @Test
    void anEmptyOneIsRefused() {
        assertThatThrownBy(() -> new StopStrings(List.of("a", ""))).isInstanceOf(IllegalArgumentException.class);
    }

    /** Two letters make overlaps and false starts likely. */
    @Test
    void theTextUpToTheFirstStopPassesHoweverItIsCut() {
        var random = new Random(11);
        for (int round = 0; round < 3000; round++) {
            var text = letters(random, 30);
            var list = List.of(letters(random, 1 + random.nextInt(6)), letters(random, 2 + random.nextInt(6)));
            var expected = untilStop(text, list);
            var stops = new StopStrings(list);
            var passed = new StringBuilder();
            int start = 0;
            while (start < text.length()) {
                int end = Math.min(text.length(), start + 1 + random.nextInt(5));
                passed.append(stops.add(text.substring(start, end)));
                assertThat(expected).as("round %s", round).startsWith(passed);
                start = end;
            }
            passed.append(stops.finish());
            assertThat(passed.toString())
                    .as("round %s: %s in %s", round, list, text)
                    .isEqualTo(expected);
            assertThat(stops.found()).isEqualTo(list.stream().anyMatch(text::contains));
        }
    }

    private static String letters(Random random, int count) {
        return random.ints(count, 'a', 'c')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, (a, b) -> {})
                .toString();
    }

    private static String untilStop(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            var before = text.substring(0, end);
            var stop = stops.stream().filter(before::endsWith).max(Comparator.comparingInt(String::length));
            if (stop.isPresent()) {
                return before.substring(0, end - stop.get().length());
            }
        }
        return text;
    }
}
