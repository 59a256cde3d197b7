package org.chainrule.benchmarks.floor;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * A lower bound instead of a library: only the matrix products of a step. They are computed by the
 * BLAS that the presets load, with the threads of the BLAS.
 */
public final class Floor implements Contender {
  private static final Pattern JAR = Pattern.compile("(mkl|openblas)-([0-9.]+)-[0-9.]+\\.jar");

  /** Loads the BLAS. */
  public Floor() {
    Loader.load(openblas_nolapack.class);
  }

  @Override
  public String name() {
    return "floor";
  }

  @Override
  public String version() {
    return "";
  }

  /** Returns the BLAS that is mapped into this process, with the version of its jar. */
  @Override
  public String blas() {
    boolean wanted = System.getProperty("org.bytedeco.openblas.load", "").startsWith("mkl");
    boolean isMkl = isLoaded("libmkl_core");
    if (wanted != isMkl) {
      throw new IllegalStateException(
          "expected "
              + (wanted ? "MKL" : "OpenBLAS")
              + " to compute, but got "
              + (isMkl ? "MKL" : "OpenBLAS"));
    }
    Matcher jar = JAR.matcher(System.getProperty("java.class.path"));
    String version = "";
    while (jar.find()) {
      if (jar.group(1).equals("mkl") == isMkl) {
        version = " " + jar.group(2);
      }
    }
    return (isMkl ? "MKL" : "OpenBLAS") + version;
  }

  private static boolean isLoaded(String file) {
    try {
      return Files.readString(Path.of("/proc/self/maps")).contains(file);
    } catch (IOException e) {
      throw new IllegalStateException("cannot find the loaded BLAS: " + e.getMessage(), e);
    }
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    blas_set_num_threads(threads);
    return new StepProducts(network);
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    blas_set_num_threads(threads);
    return new ForwardProducts(network);
  }
}
