package org.chainrule;

import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.chainrule.binding.NativePredictor;
import org.chainrule.binding.NativeWorkspace;

/**
 * The native memory of a prediction: inputs, outputs and intermediate values. It serves one
 * prediction at a time and is then reused ({@link WorkspacePool}).
 */
final class Workspace {
  private final NativeWorkspace handle;
  private final List<Node> outputs;
  private final Memory.Type type;
  private final Memory[] memories;
  private final int[] capacities;
  final Inputs inputs;

  Workspace(NativePredictor predictor, Model model, List<Node> outputs) {
    this.outputs = outputs;
    handle = predictor.workspace();
    inputs = new Inputs(handle.inputs(), model.nodes().data(), model.dataType());
    type = Memory.Type.of(model.dataType());
    memories = new Memory[outputs.size()];
    capacities = new int[outputs.size()];
  }

  /** Computes the outputs for the first {@code samples} samples of the inputs. */
  void run(NativePredictor predictor, int samples) {
    for (int i = 0; i < memories.length; ++i) {
      if (capacities[i] < samples) {
        Node output = outputs.get(i);
        long size = output.isBatched() ? samples * output.features() : output.features();
        if (size > Memory.most(type)) {
          throw new IllegalArgumentException(
              "predict: expected at most "
                  + Memory.most(type)
                  + " values for "
                  + output
                  + (output.isBatched()
                      ? ", but " + samples + " samples give " + size + "; use smaller batches"
                      : ", but it has " + size));
        }
        capacities[i] = 0;
        BytePointer memory = handle.reserve_output(i, samples);
        memories[i] = Memory.at(memory, 0, (int) size, type);
        capacities[i] = samples;
      }
    }
    predictor.predict(handle, samples);
  }

  /**
   * Copies the first {@code count} values of output number {@code output} to {@code target}, a
   * float[] or double[].
   */
  void read(int output, Object target, int count) {
    memories[output].get(target, count);
  }

  void destroy() {
    NativeWorkspace.destroy(handle);
  }
}
