package org.chainrule.benchmarks.dl4j;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.ISchedule;

/** Momentum as in the other libraries. Deeplearning4j has only Nesterov's momentum. */
final class Momentum implements IUpdater {
  private static final long serialVersionUID = 1;
  private static final float MOMENTUM = 0.9f;

  private final float learningRate;

  Momentum(float learningRate) {
    this.learningRate = learningRate;
  }

  @Override
  public long stateSize(long parameters) {
    return parameters;
  }

  @Override
  public GradientUpdater<?> instantiate(INDArray state, boolean initialize) {
    if (initialize) {
      state.assign(0);
    }
    return new Updater(this, state);
  }

  @Override
  public GradientUpdater<?> instantiate(Map<String, INDArray> state, boolean initialize) {
    return new Updater(this, state.get("velocity"));
  }

  @Override
  public double getLearningRate(int iteration, int epoch) {
    return learningRate;
  }

  @Override
  public boolean hasLearningRate() {
    return true;
  }

  @Override
  public void setLrAndSchedule(double rate, ISchedule schedule) {
    throw new UnsupportedOperationException("Momentum: the learning rate is fixed.");
  }

  @Override
  public IUpdater clone() {
    return new Momentum(learningRate);
  }

  private static final class Updater implements GradientUpdater<Momentum> {
    private final Momentum config;
    private final INDArray velocity;

    Updater(Momentum config, INDArray velocity) {
      this.config = config;
      this.velocity = velocity;
    }

    @Override
    public Momentum getConfig() {
      return config;
    }

    @Override
    public void setState(Map<String, INDArray> state, boolean initialize) {
      velocity.assign(state.get("velocity"));
    }

    @Override
    public Map<String, INDArray> getState() {
      return Map.of("velocity", velocity);
    }

    @Override
    public void setStateViewArray(INDArray view, long[] shape, char order, boolean initialize) {
      throw new UnsupportedOperationException("Momentum: the state is set only once.");
    }

    /** Replaces the gradient by the update, which the library subtracts. */
    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
      velocity.muli(MOMENTUM);
      velocity.addi(gradient);
      velocity.muli(config.learningRate, gradient);
    }
  }
}
