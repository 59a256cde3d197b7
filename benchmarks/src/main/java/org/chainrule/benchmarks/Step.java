package org.chainrule.benchmarks;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.chainrule.Batch;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Sgd;
import org.chainrule.Trainer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One training step with plain SGD from Java arrays to updated weights. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class Step {
  private static final double LEARNING_RATE = 0.01;

  /** A ReLU network: the sizes of its layers, and samples a step. */
  public enum Workload {
    TINY(16, 10, 32, 10),
    MNIST_S(64, 784, 128, 10),
    MNIST_M(128, 784, 512, 256, 10);

    private final int batchSize;
    private final int[] layers;

    Workload(int batchSize, int... layers) {
      this.batchSize = batchSize;
      this.layers = layers;
    }
  }

  @Param public Workload workload;

  private Graph graph;
  private Model model;
  private Trainer trainer;
  private Batch batch;

  @Setup
  public void open() {
    int[] layers = workload.layers;
    int classes = layers[layers.length - 1];
    graph = new Graph();
    Node x = graph.input("x", layers[0]);
    Node label = graph.label("label", classes);
    Node layer = x;
    for (int i = 1; i < layers.length; ++i) {
      layer = (i == 1 ? layer : layer.relu()).linear(layers[i]);
    }
    Node loss = graph.softmaxCrossEntropy(layer, label);
    model = Model.create(graph, 1);
    trainer = model.trainer(loss, Sgd.of(LEARNING_RATE));

    Random random = new Random(1);
    float[] values = new float[workload.batchSize * layers[0]];
    for (int i = 0; i < values.length; ++i) {
      values[i] = random.nextFloat();
    }
    int[] labels = random.ints(workload.batchSize, 0, classes).toArray();
    batch = new Batch(workload.batchSize).set(x, values).set(label, labels);
  }

  @Benchmark
  public double step() {
    return trainer.step(batch);
  }

  @TearDown
  public void close() {
    trainer.close();
    model.close();
    graph.close();
  }
}
