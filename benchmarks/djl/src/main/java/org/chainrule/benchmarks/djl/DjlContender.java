package org.chainrule.benchmarks.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * DJL on its PyTorch engine, whose libtorch has MKL linked in. See {@link DjlTraining} and {@link
 * DjlInference}. Both call the engine's JniUtils directly, as DJL's arrays, blocks and trainers do
 * internally. The overhead of these classes is therefore not measured.
 */
public final class DjlContender implements Contender {
  /** Networks with fewer operations use one thread, because several threads are slower. */
  private static final double PARALLEL_FLOPS = 1e7;

  /** Returns the engine. It uses only files of the class path and downloads nothing. */
  private static Engine engine() {
    System.setProperty("ai.djl.offline", "true");
    return Engine.getEngine("PyTorch");
  }

  @Override
  public String name() {
    return "djl";
  }

  @Override
  public String version() {
    return Engine.getDjlVersion() + ", PyTorch " + engine().getVersion();
  }

  /**
   * Returns the BLAS file that the process has mapped. If there is none, the BLAS is the MKL that
   * is linked into libtorch.
   */
  @Override
  public String blas() {
    engine();
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        if (line.contains("libmkl") || line.contains("libopenblas")) {
          return line.substring(line.lastIndexOf('/') + 1);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "MKL inside libtorch";
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    PtNDManager manager = manager(network.flops(), threads);
    return switch (optimizer) {
      case ADAM -> new DjlTraining(manager, network, new Update.Adam(learningRate), 1);
      case MOMENTUM -> new DjlTraining(manager, network, new Update.Momentum(), learningRate);
      case SGD -> new DjlTraining(manager, network, PtNDArray::subi, learningRate);
    };
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    return new DjlInference(
        manager(2.0 * samples * network.weights[0].length, threads), network, samples);
  }

  private static PtNDManager manager(double flops, int threads) {
    PtNDManager manager = (PtNDManager) engine().newBaseManager();
    JniUtils.setNumThreads(flops < PARALLEL_FLOPS ? 1 : threads);
    return manager;
  }

  static PtNDArray array(PtNDManager manager, float[] values, long... shape) {
    return (PtNDArray) manager.create(values, new Shape(shape));
  }
}
