package dev.espalier.model;

import java.util.List;

/** What differs between families of decoders: how to read the config, and the names of the weights. */
public interface DecoderFamily {
    /** The values of {@code model_type} in config.json. */
    List<String> modelTypes();

    /**
     * Reads the config.
     *
     * @throws dev.espalier.error.InputException if a key is missing or has a value that is not supported
     */
    DecoderConfig config(ConfigReader config);

    /** Where the weights are. */
    DecoderNames names();
}
