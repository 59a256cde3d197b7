package org.chainrule.benchmarks.torch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * libtorch through its JavaCPP binding. See {@link TorchTraining} and {@link TorchInference}.
 *
 * <p>The command line selects the BLAS: OpenBLAS by default, or MKL with the jars of MKL on the
 * class path and {@code -Dorg.bytedeco.openblas.load=mkl_rt}. The command line and the environment
 * should also contain:
 *
 * <ul>
 *   <li>{@code -Dorg.bytedeco.javacpp.nopointergc=true}: JavaCPP then does not track the Java
 *       objects of tensors, all of which are closed here anyway. A step of a small network becomes
 *       a fifth faster.
 *   <li>With OpenBLAS, {@code OMP_WAIT_POLICY=passive}: otherwise the threads of OpenMP spin while
 *       OpenBLAS needs the cores for its own threads, and a step takes up to fifty times as long.
 *   <li>With MKL, {@code MKL_THREADING_LAYER=GNU}: MKL then shares libtorch's threads instead of
 *       starting Intel's. The wait policy must not be passive, because every small product would
 *       then wake a thread.
 * </ul>
 */
public final class TorchContender implements Contender {
  private static final Pattern BLAS_FILE =
      Pattern.compile("/(mkl|openblas)-([0-9.]+)-[^/]*\\.jar/.*/lib(?:mkl_rt|openblas)[^/]*$");

  /**
   * Networks with fewer operations run libtorch's own loops with one thread, because several
   * threads are slower. Products are never slower with several threads.
   */
  private static final double PARALLEL_FLOPS = 1e8;

  @Override
  public String name() {
    return "torch";
  }

  @Override
  public String version() {
    return torch.class.getPackage().getImplementationVersion();
  }

  /** Returns the BLAS according to the files that the process has mapped after a product. */
  @Override
  public String blas() {
    try (Tensor a = torch.ones(64, 64);
        Tensor product = torch.mm(a, a)) {
      String blas = "unknown";
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        Matcher file = BLAS_FILE.matcher(line);
        if (file.find()) {
          boolean mkl = file.group(1).equals("mkl");
          blas = (mkl ? "MKL " : "OpenBLAS ") + file.group(2);
        }
      }
      return blas;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    setThreads(network.flops(), threads);
    return new TorchTraining(network, optimizer, learningRate);
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    setThreads(2.0 * samples * network.weights[0].length, threads);
    return new TorchInference(network, samples);
  }

  private static void setThreads(double flops, int threads) {
    torch.set_num_threads(flops < PARALLEL_FLOPS ? 1 : threads);
    openblas_nolapack.blas_set_num_threads(threads);
  }

  static Tensor tensor(float[] values, long... shape) {
    try (FloatPointer memory = new FloatPointer(values);
        Tensor view = torch.from_blob(memory, shape)) {
      return view.clone();
    }
  }

  static Tensor tensor(int[] values) {
    try (LongPointer memory = new LongPointer(values.length);
        TensorOptions options = new TensorOptions(torch.ScalarType.Long)) {
      for (int i = 0; i < values.length; ++i) {
        memory.put(i, values[i]);
      }
      try (Tensor view = torch.from_blob(memory, new long[] {values.length}, options)) {
        return view.clone();
      }
    }
  }
}
