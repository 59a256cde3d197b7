package org.chainrule.benchmarks.chainrule;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.chainrule.Batch;
import org.chainrule.Trainer;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/** Runs single steps on a batch in direct buffers, which Chainrule reads in place. */
final class Steps implements Contender.Training {
  private final Built built;
  private final Trainer trainer;
  private final Batch batch;
  private double loss;

  Steps(Network network, Workload.Optimizer optimizer, float learningRate) {
    built = new Built(network);
    trainer = built.model.trainer(built.loss, Built.optimizer(optimizer, learningRate));
    batch = new Batch(network.batchSize).set(built.x, floats(network.inputs));
    if (network.labels != null) {
      batch.set(built.wanted, ints(network.labels));
    } else {
      batch.set(built.wanted, floats(network.targets));
    }
  }

  @Override
  public void step() {
    loss = trainer.step(batch);
  }

  @Override
  public double loss() {
    return loss;
  }

  @Override
  public void close() {
    trainer.close();
    built.close();
  }

  /** Runs training steps and returns the time of each phase. */
  String profile(int steps) {
    return trainer.profile(batch, steps);
  }

  private static ByteBuffer direct(int length) {
    return ByteBuffer.allocateDirect(length * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  private static FloatBuffer floats(float[] values) {
    return direct(values.length).asFloatBuffer().put(values).flip();
  }

  private static IntBuffer ints(int[] values) {
    return direct(values.length).asIntBuffer().put(values).flip();
  }
}
