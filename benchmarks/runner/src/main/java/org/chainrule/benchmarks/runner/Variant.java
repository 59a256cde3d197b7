package org.chainrule.benchmarks.runner;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A library as it is run: one row of the tables.
 *
 * @param name in tables
 * @param library the folder of its module
 * @param mkl whether MKL's jars are put behind its class path, and taken instead of OpenBLAS
 * @param options of its JVM
 * @param environment of its process
 */
record Variant(
    String name,
    String library,
    Role role,
    boolean mkl,
    List<String> options,
    Map<String, String> environment) {
  /** What its figures are compared with. */
  enum Role {
    OURS,
    PEER,
    FLOOR
  }

  /** The one that charts take for 1. */
  static final String OURS = "chainrule";

  /** The row of calls of {@code fit}. */
  static final String FIT = "chainrule (fit)";

  private static final String MKL_INSTEAD = "-Dorg.bytedeco.openblas.load=mkl_rt";
  private static final String PRODUCTS = "-Dorg.chainrule.products=";
  private static final Map<String, String> PASSIVE = Map.of("OMP_WAIT_POLICY", "passive");

  /** All that is known. With more than one variant of a peer, the best one is the peer's figure. */
  static final List<Variant> ALL =
      List.of(
          ours(OURS, false, PRODUCTS + "auto"),
          ours("chainrule-blas", false, PRODUCTS + "blas"),
          ours("chainrule-mkl", true, PRODUCTS + "blas", MKL_INSTEAD),
          ours(FIT, false, PRODUCTS + "auto", "-Dchainrule.benchmark.fit=true"),
          new Variant("floor-openblas", "floor", Role.FLOOR, false, List.of(), Map.of()),
          new Variant("floor-mkl", "floor", Role.FLOOR, true, List.of(MKL_INSTEAD), Map.of()),
          peer("torch", "torch", Map.of()),
          peer("torch-passive", "torch", PASSIVE),
          new Variant("torch-mkl", "torch", Role.PEER, true, List.of(MKL_INSTEAD), Map.of()),
          peer("djl", "djl", Map.of()),
          peer("tensorflow", "tensorflow", Map.of()),
          peer("dl4j", "dl4j", Map.of()),
          peer("dl4j-passive", "dl4j", PASSIVE),
          peer("onnxruntime", "onnxruntime", Map.of()));

  private static Variant ours(String name, boolean mkl, String... options) {
    return new Variant(name, "chainrule", Role.OURS, mkl, Arrays.asList(options), Map.of());
  }

  private static Variant peer(String name, String library, Map<String, String> environment) {
    return new Variant(name, library, Role.PEER, false, List.of(), environment);
  }

  /** Whether calls of many steps are measured, which only training by SGD is. */
  boolean fits() {
    return name.equals(FIT);
  }

  @Override
  public String toString() {
    return name;
  }
}
