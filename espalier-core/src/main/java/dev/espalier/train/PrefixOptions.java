package dev.espalier.train;

import dev.espalier.error.InputException;

/**
 * How a run treats the layers below everything that it trains.
 *
 * @param cacheMb megabytes of 1,000,000 bytes, on disk, that may hold what leaves these layers: it is computed once for an
 *     example, not in every epoch. 0 for none. What does not fit is computed each time
 * @param dropout whether the model's own dropout acts in these layers in training. With a cache it must not, for what leaves
 *     them would differ from epoch to epoch
 */
public record PrefixOptions(int cacheMb, boolean dropout) {
    /** These layers run as all others do. */
    public static final PrefixOptions DEFAULT = new PrefixOptions(0, true);

    private static final long MEGABYTE = 1_000_000;

    /** @throws InputException for a negative size */
    public PrefixOptions {
        if (cacheMb < 0) {
            throw new InputException("The option prefix-cache-mb must be at least 0, not " + cacheMb + ".");
        }
    }

    /** Bytes of the cache at most. */
    long cacheBytes() {
        return cacheMb * MEGABYTE;
    }
}
