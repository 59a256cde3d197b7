package org.chainrule.benchmarks.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * The input is an array over a direct buffer, which is created once. The output is read from the
 * memory of the last result.
 */
final class DjlInference implements Contender.Inference {
  private final PtNDManager manager;
  private final boolean relu;
  private final PtNDArray[] weights;
  private final PtNDArray[] biases;
  private final PtNDArray input;
  private final FloatBuffer inputMemory;
  private final PtNDArray[] values;

  DjlInference(PtNDManager manager, Network network, int samples) {
    this.manager = manager;
    int[] layers = network.layers;
    int depth = layers.length - 1;
    relu = network.activation == Workload.Activation.RELU;
    weights = new PtNDArray[depth];
    biases = new PtNDArray[depth];
    for (int i = 0; i < depth; ++i) {
      weights[i] = DjlContender.array(manager, network.weights[i], layers[i + 1], layers[i]);
      biases[i] = DjlContender.array(manager, network.biases[i], layers[i + 1]);
    }
    ByteBuffer memory = manager.allocateDirect(samples * layers[0] * Float.BYTES);
    inputMemory = memory.asFloatBuffer();
    input = DjlContender.array(manager, new float[samples * layers[0]], samples, layers[0]);
    input.set(memory);
    values = new PtNDArray[2 * depth - 1];
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    JniUtils.setGradMode(false);
    inputMemory.put(0, inputs);
    int used = 0;
    PtNDArray value = input;
    for (int i = 0; i < weights.length; ++i) {
      value = values[used++] = JniUtils.linear(value, weights[i], biases[i]);
      if (i + 1 < weights.length) {
        value = values[used++] = relu ? JniUtils.relu(value) : JniUtils.sigmoid(value);
      }
    }
    JniUtils.getByteBuffer(value, true).asFloatBuffer().get(outputs);
    for (PtNDArray array : values) {
      array.close();
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
