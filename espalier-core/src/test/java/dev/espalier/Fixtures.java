package dev.espalier;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.checkpoint.SafetensorsFile;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Golden numbers in the test resources, and how closely to meet them. */
public final class Fixtures {
    private Fixtures() {}

    /** A file or folder of the fixtures, such as {@code models/bert_cls}. */
    public static Path path(String name) {
        var url = Fixtures.class.getResource("/fixtures/" + name);
        if (url == null) {
            throw new IllegalArgumentException("no fixture " + name);
        }
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Tensors of a fixture file, such as {@code models/bert_cls/expected.safetensors}. */
    public static SafetensorsFile tensors(String name) {
        return SafetensorsFile.open(path(name));
    }

    /** Asserts {@code |actual - expected| <= atol + rtol * |expected|} everywhere. */
    public static void assertClose(String what, Tensor actual, Tensor expected, double rtol, double atol) {
        var a = actual.to(ScalarType.Double).contiguous();
        var e = expected.to(ScalarType.Double).contiguous();
        assertThat(a.shape()).as(what + ": shape").isEqualTo(e.shape());
        double worst = 0;
        double worstDifference = 0;
        var av = doubles(a);
        var ev = doubles(e);
        for (int i = 0; i < av.length; i++) {
            double difference = Math.abs(av[i] - ev[i]);
            double excess = difference - (atol + rtol * Math.abs(ev[i]));
            if (!(excess <= worst)) {
                worst = excess;
                worstDifference = difference;
            }
        }
        assertThat(worst)
                .as(what + ": largest difference beyond tolerance is " + worstDifference)
                .isLessThanOrEqualTo(0);
    }

    /** The values of any tensor as doubles, row-major. */
    public static double[] doubles(Tensor tensor) {
        var contiguous = tensor.to(ScalarType.Double).contiguous();
        var values = new double[Math.toIntExact(contiguous.numel())];
        if (values.length > 0) {
            new org.bytedeco.javacpp.DoublePointer(contiguous.data_ptr()).get(values);
        }
        return values;
    }

    /** The values of an integer tensor, row-major. */
    public static long[] longs(Tensor tensor) {
        var contiguous = tensor.to(ScalarType.Long).contiguous();
        var values = new long[Math.toIntExact(contiguous.numel())];
        new org.bytedeco.javacpp.LongPointer(contiguous.data_ptr()).get(values);
        return values;
    }
}
