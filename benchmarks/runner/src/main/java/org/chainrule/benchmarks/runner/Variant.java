package org.chainrule.benchmarks.runner;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A library with the settings with which it runs: one row of the tables.
 *
 * @param name the name in tables
 * @param library the folder of its module
 * @param mkl true if the jars of MKL are appended to its class path and used instead of OpenBLAS
 * @param options the options of its JVM
 * @param environment the additional environment variables of its process
 */
record Variant(
    String name,
    String library,
    Role role,
    boolean mkl,
    List<String> options,
    Map<String, String> environment) {
  /** The role of a variant in comparisons. */
  enum Role {
    /** Chainrule. */
    OURS,
    /** Another library. */
    PEER,
    /** The matrix products of the network alone, a lower bound for the time of a library. */
    FLOOR
  }

  /** The variant whose time is 1 in charts. */
  static final String OURS = "chainrule";

  /** The variant that calls {@code fit}. */
  static final String FIT = "chainrule (fit)";

  private static final String MKL_INSTEAD = "-Dorg.bytedeco.openblas.load=mkl_rt";

  /** Disables JavaCPP's garbage collection of tensors, which the contender closes itself. */
  private static final String NO_POINTER_GC = "-Dorg.bytedeco.javacpp.nopointergc=true";

  private static final String PRODUCTS = "-Dorg.chainrule.products=";

  /** MKL uses libtorch's threads instead of its own. */
  private static final Map<String, String> SHARED_THREADS = Map.of("MKL_THREADING_LAYER", "GNU");

  private static final Map<String, String> PASSIVE = Map.of("OMP_WAIT_POLICY", "passive");

  /** All variants. The result of a peer with several variants is that of its best variant. */
  static final List<Variant> ALL =
      List.of(
          ours(OURS, false, PRODUCTS + "auto"),
          ours("chainrule-blas", false, PRODUCTS + "blas"),
          ours("chainrule-mkl", true, PRODUCTS + "blas", MKL_INSTEAD),
          ours(FIT, false, PRODUCTS + "auto", "-Dchainrule.benchmark.fit=true"),
          new Variant("floor-openblas", "floor", Role.FLOOR, false, List.of(), Map.of()),
          new Variant("floor-mkl", "floor", Role.FLOOR, true, List.of(MKL_INSTEAD), Map.of()),
          torch("torch", false, Map.of(), NO_POINTER_GC),
          torch("torch-passive", false, PASSIVE, NO_POINTER_GC),
          torch("torch-mkl", true, SHARED_THREADS, NO_POINTER_GC, MKL_INSTEAD),
          peer("djl", "djl", Map.of()),
          peer("tensorflow", "tensorflow", Map.of()),
          peer("dl4j", "dl4j", Map.of()),
          peer("dl4j-passive", "dl4j", PASSIVE),
          peer("onnxruntime", "onnxruntime", Map.of()));

  private static Variant ours(String name, boolean mkl, String... options) {
    return new Variant(name, "chainrule", Role.OURS, mkl, Arrays.asList(options), Map.of());
  }

  private static Variant torch(
      String name, boolean mkl, Map<String, String> environment, String... options) {
    return new Variant(name, "torch", Role.PEER, mkl, Arrays.asList(options), environment);
  }

  private static Variant peer(String name, String library, Map<String, String> environment) {
    return new Variant(name, library, Role.PEER, false, List.of(), environment);
  }

  /** Returns true if calls of many steps are measured. This is done only for training with SGD. */
  boolean fits() {
    return name.equals(FIT);
  }

  @Override
  public String toString() {
    return name;
  }
}
