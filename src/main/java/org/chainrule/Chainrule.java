package org.chainrule;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.chainrule.binding.Native;
import org.chainrule.binding.Native.NativeProducts;

/**
 * Settings and facts of the whole library: its threads, its native memory and a report of its
 * versions.
 *
 * <p>The system property {@code org.chainrule.products} selects the implementation of matrix
 * products on the CPU. It is read once:
 *
 * <ul>
 *   <li>{@code auto}, the default: the BLAS library or Chainrule's own tile kernel, by a fixed rule
 *       on type and shape
 *   <li>{@code blas}: the BLAS library
 *   <li>{@code own}: the tile kernel wherever it is applicable
 * </ul>
 *
 * <p>If the system property {@code org.chainrule.checking} is {@code true}, every trainer and
 * predictor stops at the first non-finite value, see {@link Trainer#checking}.
 */
public final class Chainrule {
  /** The implementations of matrix products. The property's values are the names in lower case. */
  private enum Products {
    AUTO(NativeProducts.automatic),
    BLAS(NativeProducts.blas),
    OWN(NativeProducts.own);

    final NativeProducts which;

    Products(NativeProducts which) {
      this.which = which;
    }

    /** Returns the implementation that the property names, or null if it names none. */
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

  /** Loads the native library once. Its team gets one thread per processor that the JVM may use. */
  private static final class Library {
    static final String FILE;
    static final LinkageError FAILURE;

    static {
      String file = null;
      LinkageError failure = null;
      try {
        if (System.getProperty("org.bytedeco.openblas.load") != null) {
          // only these presets load another BLAS under the file name that our library links to
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

  /** Returns true if trainers and predictors check their values from the start. */
  static boolean checking() {
    return Boolean.getBoolean("org.chainrule.checking");
  }

  /**
   * Loads the native library if it is not loaded yet.
   *
   * @return the library's file
   * @throws ChainruleException if it cannot be loaded or {@code org.chainrule.products} is invalid
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
   * Sets the number of threads that compute, including the calling thread. The process has one team
   * of threads. Results do not depend on its size. The default is {@link
   * Runtime#availableProcessors()}, which respects a container's limits, but at most 64.
   *
   * @param threads from 1 to 64
   * @throws IllegalArgumentException if {@code threads} is out of range
   */
  public static void threads(int threads) {
    load();
    Native.set_threads(threads);
  }

  /**
   * Returns the number of threads that compute.
   *
   * @return from 1 to 64
   */
  public static int threads() {
    load();
    return Native.threads();
  }

  /**
   * Returns the native memory that the library holds now, for all models, trainers, predictors and
   * data sets of the process. A GPU's memory is not included, but the staging buffers for copies to
   * and from a GPU are. {@link Device#memory} returns the amounts per device.
   *
   * @return the amount in bytes
   */
  public static long nativeBytes() {
    load();
    return Native.native_bytes();
  }

  /**
   * Returns how often the library has allocated native memory or a GPU's memory since the process
   * began. The count does not change during steps of one batch size.
   *
   * @return the number of allocations
   */
  public static long nativeAllocations() {
    load();
    return Native.native_allocations();
  }

  /**
   * Describes the running library, for a problem report: versions, platform, the loaded native
   * files, the BLAS library in use, instruction set, threads, CUDA.
   *
   * @return several lines of text
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
