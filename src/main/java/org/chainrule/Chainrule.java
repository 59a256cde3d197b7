package org.chainrule;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.chainrule.binding.Native;
import org.chainrule.binding.Native.NativeProducts;

/**
 * The library as a whole: what runs here, its threads and its native memory.
 *
 * <p>The system property {@code org.chainrule.products} says who computes matrix products: {@code
 * auto}, the BLAS or a tile kernel of our own, by a fixed rule on type and shape; {@code blas};
 * {@code own}, the tile kernel wherever it can. It is read once. {@code org.chainrule.checking} set
 * to {@code true} makes every trainer and predictor stop at the first value that is not finite, see
 * {@link Trainer#checking}.
 */
public final class Chainrule {
  /** Who may compute matrix products: the values of the system property, in lower case. */
  private enum Products {
    AUTO(NativeProducts.automatic),
    BLAS(NativeProducts.blas),
    OWN(NativeProducts.own);

    final NativeProducts which;

    Products(NativeProducts which) {
      this.which = which;
    }

    /** The one that the property names, or null. */
    static Products wanted() {
      String text = System.getProperty(PRODUCTS, AUTO.toString());
      return List.of(values()).stream()
          .filter(p -> p.toString().equals(text))
          .findAny()
          .orElse(null);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String PRODUCTS = "org.chainrule.products";

  /** Loads the native library once; its team gets the processors that the JVM was granted. */
  private static final class Library {
    static final String FILE;
    static final LinkageError FAILURE;

    static {
      String file = null;
      LinkageError failure = null;
      try {
        if (System.getProperty("org.bytedeco.openblas.load") != null) {
          // only these presets put another BLAS under the file name that our file asks for
          Loader.load(openblas.class);
        }
        file = Loader.load(Native.class);
        int processors = Runtime.getRuntime().availableProcessors();
        Native.set_threads(Math.min(processors, Native.max_threads()));
        Products products = Products.wanted();
        Native.set_products((products == null ? Products.AUTO : products).which);
      } catch (LinkageError e) {
        failure = e;
      }
      FILE = file;
      FAILURE = failure;
    }
  }

  private Chainrule() {}

  /** Whether trainers and predictors check their values from the start. */
  static boolean checking() {
    return Boolean.getBoolean("org.chainrule.checking");
  }

  /**
   * Loads the native library if that has not been done.
   *
   * @return its file
   */
  static String load() {
    if (Library.FAILURE != null) {
      throw new ChainruleException(
          "cannot load the native library for "
              + Loader.getPlatform()
              + "; is org.chainrule:chainrule-platform, or this platform's jar, among the"
              + " dependencies? ("
              + Library.FAILURE.getMessage()
              + ")",
          Library.FAILURE);
    }
    if (Products.wanted() == null) {
      throw new ChainruleException(
          "the system property "
              + PRODUCTS
              + ": expected one of "
              + List.of(Products.values())
              + ", but got "
              + System.getProperty(PRODUCTS));
    }
    return Library.FILE;
  }

  /**
   * Sets how many threads compute, the callers included. The process has one team; results do not
   * depend on its size. By default as many as {@link Runtime#availableProcessors()} says, which
   * respects a container's limits, but 64 at most.
   *
   * @param threads 1 to 64
   * @throws IllegalArgumentException if it is another number
   */
  public static void threads(int threads) {
    load();
    Native.set_threads(threads);
  }

  /**
   * How many threads compute.
   *
   * @return 1 to 64
   */
  public static int threads() {
    load();
    return Native.threads();
  }

  /**
   * Native memory that the library holds now, for all models, trainers, predictors and data sets of
   * the process; memory of a GPU does not count, but what copies to and from it go through does.
   * {@link Device#memory} has each device's.
   *
   * @return bytes
   */
  public static long nativeBytes() {
    load();
    return Native.native_bytes();
  }

  /**
   * How often the library has asked for native memory, or a GPU's, since the process began. It
   * stays the same while steps of one batch size are made.
   *
   * @return a count
   */
  public static long nativeAllocations() {
    load();
    return Native.native_allocations();
  }

  /**
   * What runs here, for a report of a problem: versions, platform, the native files that were
   * loaded, the BLAS library that really computes, instruction set, threads, CUDA.
   *
   * @return some lines of text
   */
  public static String diagnose() {
    StringBuilder text = new StringBuilder();
    String version = Chainrule.class.getPackage().getImplementationVersion();
    line(text, "Chainrule", version == null ? "of an unknown version" : version);
    line(text, "platform", Loader.getPlatform());
    line(
        text,
        "JVM",
        System.getProperty("java.vm.name")
            + " "
            + System.getProperty("java.vm.version")
            + ", largest heap "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB");
    line(text, "native file", load());
    for (Map.Entry<String, String> library : Loader.getLoadedLibraries().entrySet()) {
      line(text, "loaded", library.getKey() + " from " + library.getValue());
    }
    line(text, "BLAS", Native.blas_description());
    line(text, "instruction set", Native.instruction_set());
    NativeProducts products = Native.products().intern();
    line(
        text,
        "products",
        List.of(Products.values()).stream()
            .filter(p -> p.which == products)
            .findAny()
            .map(Products::toString)
            .orElseThrow());
    int processors = Runtime.getRuntime().availableProcessors();
    line(text, "threads", threads() + ", processors granted " + processors);
    line(text, "native memory", nativeBytes() + " bytes");
    for (Device device : Device.opened()) {
      line(text, "device memory", device + ": " + device.memory());
    }
    for (String fact : Cuda.describe()) {
      line(text, "CUDA", fact);
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String what, String value) {
    text.append(String.format("%-16s%s%n", what, value));
  }
}
