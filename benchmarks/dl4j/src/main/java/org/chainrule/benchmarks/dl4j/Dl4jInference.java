package org.chainrule.benchmarks.dl4j;

import java.nio.FloatBuffer;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;

/**
 * Writes to one input array directly and copies each result to one output array in row-major order.
 */
final class Dl4jInference implements Contender.Inference {
  private final MultiLayerNetwork model;
  private final INDArray input;
  private final INDArray output;
  private final FloatBuffer inputMemory;
  private final FloatBuffer outputMemory;

  Dl4jInference(Network network, int samples) {
    model = Model.of(network, new NoOp(), false);
    int[] layers = network.layers;
    input = Nd4j.create(new float[samples * layers[0]], new int[] {samples, layers[0]}, 'c');
    int outputs = layers[layers.length - 1];
    output = Nd4j.create(new float[samples * outputs], new int[] {samples, outputs}, 'c');
    inputMemory = input.data().asNioFloat();
    outputMemory = output.data().asNioFloat();
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    inputMemory.put(0, inputs);
    output.assign(model.output(input, false));
    outputMemory.get(0, outputs);
  }

  @Override
  public void close() {
    model.close();
    input.close();
    output.close();
  }
}
