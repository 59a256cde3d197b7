package org.chainrule.benchmarks.dl4j;

import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * Calls MultiLayerNetwork.fit on one batch of resident arrays. Classes are one-hot, as the loss
 * requires.
 */
final class Dl4jTraining implements Contender.Training {
  private final MultiLayerNetwork model;
  private final INDArray inputs;
  private final INDArray targets;

  Dl4jTraining(Network network, Workload.Optimizer optimizer, float learningRate) {
    boolean classes = network.labels != null;
    model = Model.of(network, updater(optimizer, learningRate), classes);
    int outputs = network.layers[network.layers.length - 1];
    inputs = Nd4j.create(network.inputs, new int[] {network.batchSize, network.layers[0]}, 'c');
    float[] values = classes ? oneHot(network.labels, outputs) : network.targets;
    targets = Nd4j.create(values, new int[] {network.batchSize, outputs}, 'c');
  }

  private static IUpdater updater(Workload.Optimizer optimizer, float learningRate) {
    return switch (optimizer) {
      case SGD -> new Sgd(learningRate);
      case MOMENTUM -> new Momentum(learningRate);
      case ADAM -> new ExactAdam(learningRate);
    };
  }

  private static float[] oneHot(int[] labels, int classes) {
    float[] values = new float[labels.length * classes];
    for (int i = 0; i < labels.length; ++i) {
      values[i * classes + labels[i]] = 1;
    }
    return values;
  }

  @Override
  public void step() {
    model.fit(inputs, targets);
  }

  @Override
  public double loss() {
    return model.score();
  }

  @Override
  public void close() {
    model.close();
    inputs.close();
    targets.close();
  }
}
