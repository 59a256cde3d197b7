package org.chainrule.benchmarks.tensorflow;

import java.util.ArrayList;
import java.util.List;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * Feeds the same input tensor in each call. TensorFlow allocates the output tensor in each call.
 */
final class TensorflowInference implements Contender.Inference {
  private final Model model;
  private final TFloat32 input;
  private final FloatDataBuffer inputMemory;
  private final Session session;
  private final Session.Runner predict;

  TensorflowInference(Network network, int samples, int threads) {
    model = new Model(network);
    Shape shape = Shape.of(samples, network.layers[0]);
    Placeholder<TFloat32> inputs = model.tf.placeholder(TFloat32.class, Placeholder.shape(shape));
    List<Operand<TFloat32>> weights = new ArrayList<>();
    model.weights.forEach(variable -> weights.add(model.read(variable)));
    List<Operand<TFloat32>> values = model.forward(inputs, weights);
    input = TFloat32.tensorOf(shape);
    inputMemory = input.asRawTensor().data().asFloats();
    session = model.start(2.0 * samples * network.weights[0].length, threads);
    predict = session.runner().feed(inputs, input).fetch(values.get(values.size() - 1));
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    inputMemory.write(inputs);
    try (var result = predict.run()) {
      result.get(0).asRawTensor().data().asFloats().read(outputs);
    }
  }

  @Override
  public void close() {
    session.close();
    input.close();
    model.close();
  }
}
