package org.chainrule.benchmarks.dl4j;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * Deeplearning4j. See {@link Dl4jTraining} and {@link Dl4jInference}. This class sets the numbers
 * of threads. With several threads, the environment should contain {@code OMP_WAIT_POLICY=passive}.
 * Otherwise the threads of OpenMP spin while OpenBLAS needs the cores for its own threads.
 */
public final class Dl4jContender implements Contender {
  private static final String PROPERTIES =
      "/META-INF/maven/org.deeplearning4j/deeplearning4j-nn/pom.properties";

  private static final Pattern BLAS_FILE =
      Pattern.compile("/(mkl|openblas)-([0-9.]+)-[^/]*\\.jar/.*/lib(?:mkl_rt|openblas)[^/]*$");

  @Override
  public String name() {
    return "dl4j";
  }

  @Override
  public String version() {
    Properties properties = new Properties();
    try (InputStream file = Dl4jContender.class.getResourceAsStream(PROPERTIES)) {
      properties.load(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  /** Returns the BLAS according to the files that the process has mapped after a product. */
  @Override
  public String blas() {
    INDArray a = Nd4j.ones(64, 64);
    a.mmul(a);
    String blas = "unknown";
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        Matcher file = BLAS_FILE.matcher(line);
        if (file.find()) {
          boolean mkl = file.group(1).equals("mkl");
          blas = (mkl ? "MKL " : "OpenBLAS ") + file.group(2);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return blas;
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    prepare(threads);
    return new Dl4jTraining(network, optimizer, learningRate);
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    prepare(threads);
    return new Dl4jInference(network, samples);
  }

  private static void prepare(int threads) {
    Nd4j.getMemoryManager().togglePeriodicGc(false);
    Nd4j.factory().blas().setMaxThreads(threads);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
  }
}
