package org.chainrule.benchmarks.chainrule;

import java.util.Optional;
import org.chainrule.Chainrule;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * Chainrule through its public API. With the system property {@code chainrule.benchmark.fit}, one
 * call runs a {@code fit} of many steps instead of a single step.
 */
public final class ChainruleContender implements Contender {
  @Override
  public String name() {
    return "chainrule";
  }

  @Override
  public String version() {
    return Optional.ofNullable(Chainrule.class.getPackage().getImplementationVersion())
        .orElse("unknown");
  }

  /**
   * Returns the BLAS that {@link Chainrule#diagnose()} names. Throws IllegalStateException if MKL
   * was requested but OpenBLAS was loaded, or the reverse.
   */
  @Override
  public String blas() {
    String line =
        Chainrule.diagnose()
            .lines()
            .filter(text -> text.startsWith("BLAS "))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("diagnose() does not name the BLAS"))
            .substring(4)
            .strip();
    boolean isMkl = line.contains("Math Kernel Library");
    boolean wanted = System.getProperty("org.bytedeco.openblas.load", "").startsWith("mkl");
    if (wanted != isMkl) {
      throw new IllegalStateException(
          "expected " + (wanted ? "MKL" : "OpenBLAS") + " to compute, but got " + line);
    }
    return isMkl
        ? line.replaceAll(".*Version ([0-9.]+).*", "MKL $1")
        : line.replaceAll("(OpenBLAS [0-9.]+).*", "$1");
  }

  @Override
  public long nativeAllocations() {
    return Chainrule.nativeAllocations();
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    prepare(threads);
    return Boolean.getBoolean("chainrule.benchmark.fit")
        ? new Fits(network, optimizer, learningRate)
        : new Steps(network, optimizer, learningRate);
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    prepare(threads);
    return new Predictions(network);
  }

  private void prepare(int threads) {
    Chainrule.threads(threads);
    blas();
  }
}
