package org.chainrule.benchmarks.onnxruntime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * Writes a network in the ONNX format: a Gemm per layer, followed by its activation. The numbers in
 * this class are field numbers of onnx.proto.
 */
final class Model {
  static final String INPUT = "x0";
  static final String OUTPUT = "output";
  private static final int IR_VERSION = 8;
  private static final int OPSET_VERSION = 17;
  private static final int FLOAT = 1;
  private static final int INT_ATTRIBUTE = 2;

  private Model() {}

  static byte[] bytes(Network network, int samples) {
    int[] layers = network.layers;
    int depth = layers.length - 1;
    Message graph = new Message();
    graph.text(2, "network");
    String activation = network.activation == Workload.Activation.RELU ? "Relu" : "Sigmoid";
    for (int i = 0; i < depth; ++i) {
      boolean last = i + 1 == depth;
      Message transposed = new Message();
      transposed.text(1, "transB").number(3, 1).number(20, INT_ATTRIBUTE);
      Message gemm = node("Gemm", last ? OUTPUT : "z" + i, "x" + i, "w" + i, "b" + i);
      graph.message(1, gemm.message(5, transposed));
      if (!last) {
        graph.message(1, node(activation, "x" + (i + 1), "z" + i));
      }
      graph.message(5, tensor("w" + i, network.weights[i], layers[i + 1], layers[i]));
      graph.message(5, tensor("b" + i, network.biases[i], layers[i + 1]));
    }
    graph.message(11, value(INPUT, samples, layers[0]));
    graph.message(12, value(OUTPUT, samples, layers[depth]));
    return new Message()
        .number(1, IR_VERSION)
        .message(7, graph)
        .message(8, new Message().text(1, "").number(2, OPSET_VERSION))
        .bytes();
  }

  private static Message node(String operation, String output, String... inputs) {
    Message node = new Message();
    for (String input : inputs) {
      node.text(1, input);
    }
    return node.text(2, output).text(3, output).text(4, operation);
  }

  private static Message tensor(String name, float[] values, int... shape) {
    Message tensor = new Message();
    for (int size : shape) {
      tensor.number(1, size);
    }
    ByteBuffer raw =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    return tensor.number(2, FLOAT).text(8, name).data(9, raw.array());
  }

  private static Message value(String name, int... sizes) {
    Message shape = new Message();
    for (int size : sizes) {
      shape.message(1, new Message().number(1, size));
    }
    Message type = new Message().message(1, new Message().number(1, FLOAT).message(2, shape));
    return new Message().text(1, name).message(2, type);
  }
}
