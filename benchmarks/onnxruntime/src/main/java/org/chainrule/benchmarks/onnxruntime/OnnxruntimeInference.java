package org.chainrule.benchmarks.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;

/**
 * Input and output are tensors over direct buffers, which are created once and used by every call.
 * A call only copies the input and the output. A pool of threads exists only if several threads are
 * requested, because one thread is faster for a single sample.
 */
final class OnnxruntimeInference implements Contender.Inference {
  private final OrtSession session;
  private final FloatBuffer inputMemory;
  private final FloatBuffer outputMemory;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  OnnxruntimeInference(Network network, int samples, int threads) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    int[] layers = network.layers;
    int outputSize = layers[layers.length - 1];
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      session = environment.createSession(Model.bytes(network, samples), options);
    }
    inputMemory = floats(samples * layers[0]);
    outputMemory = floats(samples * outputSize);
    inputs =
        Map.of(
            Model.INPUT,
            OnnxTensor.createTensor(environment, inputMemory, new long[] {samples, layers[0]}));
    outputs =
        Map.of(
            Model.OUTPUT,
            OnnxTensor.createTensor(environment, outputMemory, new long[] {samples, outputSize}));
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(count * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  @Override
  public void predict(float[] values, float[] results) {
    inputMemory.put(0, values);
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    outputMemory.get(0, results);
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
