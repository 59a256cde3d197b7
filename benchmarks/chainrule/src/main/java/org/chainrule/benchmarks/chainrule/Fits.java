package org.chainrule.benchmarks.chainrule;

import java.util.Arrays;
import org.chainrule.Dataset;
import org.chainrule.Trainer;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * Calls {@code fitSteps} on a data set of many copies of the batch, which is shuffled as it is by
 * default. Its batches therefore differ from those of the other libraries, and its loss is not
 * compared.
 */
final class Fits implements Contender.Training {
  private static final int STEPS = 1000;
  private static final int COPIES = 50;

  private final Built built;
  private final Trainer trainer;
  private final Dataset dataset;
  private final int batchSize;

  Fits(Network network, Workload.Optimizer optimizer, float learningRate) {
    built = new Built(network);
    trainer = built.model.trainer(built.loss, Built.optimizer(optimizer, learningRate));
    batchSize = network.batchSize;
    dataset = Dataset.of(COPIES * batchSize).with(built.x, copies(network.inputs));
    if (network.labels != null) {
      int length = network.labels.length;
      int[] labels = new int[COPIES * length];
      Arrays.setAll(labels, i -> network.labels[i % length]);
      dataset.with(built.wanted, labels);
    } else {
      dataset.with(built.wanted, copies(network.targets));
    }
  }

  @Override
  public void step() {
    trainer.fitSteps(dataset, batchSize, STEPS);
  }

  @Override
  public int stepsPerCall() {
    return STEPS;
  }

  @Override
  public double loss() {
    return Double.NaN;
  }

  @Override
  public void close() {
    trainer.close();
    dataset.close();
    built.close();
  }

  private static float[] copies(float[] values) {
    float[] all = new float[COPIES * values.length];
    for (int i = 0; i < COPIES; ++i) {
      System.arraycopy(values, 0, all, i * values.length, values.length);
    }
    return all;
  }
}
