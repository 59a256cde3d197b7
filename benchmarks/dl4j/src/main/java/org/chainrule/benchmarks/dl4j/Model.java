package org.chainrule.benchmarks.dl4j;

import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Creates Deeplearning4j's network from a {@link Network}. Workspaces, which save allocations, are
 * enabled by default.
 */
final class Model {
  private Model() {}

  /**
   * @param softmax true for softmax as the last activation and the cross-entropy as the loss; false
   *     for no last activation and the squared error
   */
  static MultiLayerNetwork of(Network network, IUpdater updater, boolean softmax) {
    int[] layers = network.layers;
    int depth = layers.length - 1;
    boolean relu = network.activation == Workload.Activation.RELU;
    NeuralNetConfiguration.ListBuilder list =
        new NeuralNetConfiguration.Builder()
            .dataType(DataType.FLOAT)
            .updater(updater)
            .activation(relu ? Activation.RELU : Activation.SIGMOID)
            .list();
    for (int i = 0; i + 1 < depth; ++i) {
      list.layer(new DenseLayer.Builder().nIn(layers[i]).nOut(layers[i + 1]).build());
    }
    list.layer(
        new OutputLayer.Builder(softmax ? LossFunction.MCXENT : LossFunction.MSE)
            .activation(softmax ? Activation.SOFTMAX : Activation.IDENTITY)
            .nIn(layers[depth - 1])
            .nOut(layers[depth])
            .build());
    MultiLayerNetwork model = new MultiLayerNetwork(list.build());
    model.init();
    for (int i = 0; i < depth; ++i) {
      int[] shape = {layers[i + 1], layers[i]};
      model.setParam(i + "_W", Nd4j.create(network.weights[i], shape, 'c').transpose());
      int[] row = {1, layers[i + 1]};
      model.setParam(i + "_b", Nd4j.create(network.biases[i], row, 'c'));
    }
    return model;
  }
}
