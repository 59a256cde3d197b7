package org.chainrule.benchmarks.tensorflow;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/** A graph with the parameters of a network in resource variables, and the session that runs it. */
final class Model implements AutoCloseable {
  /**
   * An executor that runs operations one by one without the overhead of the usual executor. A small
   * network needs a quarter of the time.
   */
  private static final String SINGLE_THREADED = "SINGLE_THREADED_EXECUTOR";

  /** Runs operations in the calling thread instead of a pool. */
  private static final int IN_CALLER = -1;

  /**
   * Networks with at least as many operations are faster with several threads within operations and
   * with several operations in parallel.
   */
  private static final double PARALLEL_FLOPS = 1e8;

  final Graph graph = new Graph();
  final Ops tf = Ops.create(graph);
  final List<Operand<? extends TType>> weights = new ArrayList<>();
  final List<Operand<? extends TType>> biases = new ArrayList<>();
  private final Network network;
  private final List<Consumer<Session>> initializers = new ArrayList<>();

  Model(Network network) {
    this.network = network;
    int[] layers = network.layers;
    for (int i = 0; i + 1 < layers.length; ++i) {
      weights.add(variable("w" + i, network.weights[i], layers[i + 1], layers[i]));
      biases.add(variable("b" + i, network.biases[i], layers[i + 1]));
    }
  }

  Operand<? extends TType> variable(String name, float[] values, long... shape) {
    return variable(
        name,
        TFloat32.class,
        TFloat32.tensorOf(Shape.of(shape), DataBuffers.of(values, true, false)));
  }

  Operand<? extends TType> variable(String name, int[] values) {
    return variable(
        name,
        TInt32.class,
        TInt32.tensorOf(Shape.of(values.length), DataBuffers.of(values, true, false)));
  }

  private <T extends TType> Operand<? extends TType> variable(
      String name, Class<T> type, Tensor value) {
    var handle = tf.varHandleOp(type, value.shape(), VarHandleOp.sharedName(name));
    Placeholder<T> placeholder = tf.placeholder(type, Placeholder.shape(value.shape()));
    Op assign = tf.assignVariableOp(handle, placeholder);
    initializers.add(
        session -> {
          try (value) {
            session.runner().feed(placeholder, value).addTarget(assign).run().close();
          }
        });
    return handle;
  }

  Operand<TFloat32> read(Operand<? extends TType> variable) {
    return tf.readVariableOp(variable, TFloat32.class);
  }

  /** Returns the input and the values of all layers. */
  List<Operand<TFloat32>> forward(Operand<TFloat32> inputs, List<Operand<TFloat32>> weightValues) {
    List<Operand<TFloat32>> values = new ArrayList<>();
    values.add(inputs);
    for (int i = 0; i < weights.size(); ++i) {
      Operand<TFloat32> product =
          tf.linalg.matMul(values.get(i), weightValues.get(i), MatMul.transposeB(true));
      Operand<TFloat32> sum = tf.nn.biasAdd(product, read(biases.get(i)));
      values.add(i + 1 < weights.size() ? activate(sum) : sum);
    }
    return values;
  }

  private <T extends TNumber> Operand<T> activate(Operand<T> x) {
    return network.activation == Workload.Activation.RELU ? tf.nn.relu(x) : tf.math.sigmoid(x);
  }

  /** Returns a session in which all variables are initialized. */
  Session start(double flops, int threads) {
    boolean parallel = threads > 1 && flops >= PARALLEL_FLOPS;
    ConfigProto.Builder config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(parallel ? threads : 1)
            .setInterOpParallelismThreads(parallel ? threads : IN_CALLER);
    if (!parallel) {
      config.getExperimentalBuilder().setExecutorType(SINGLE_THREADED);
    }
    Session session = new Session(graph, config.build());
    for (Consumer<Session> initializer : initializers) {
      initializer.accept(session);
    }
    return session;
  }

  @Override
  public void close() {
    graph.close();
  }
}
