package org.chainrule.benchmarks.dl4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.Adam;

/**
 * The library's own Adam with another epsilon. The library adds epsilon to the root before the bias
 * correction, so this class scales epsilon accordingly.
 */
final class ExactAdam extends Adam {
  private static final long serialVersionUID = 1;
  private static final double EPSILON = 1e-8;

  ExactAdam(double learningRate) {
    super(learningRate);
  }

  @Override
  public GradientUpdater<?> instantiate(INDArray state, boolean initialize) {
    AdamUpdater updater =
        new AdamUpdater(this) {
          @Override
          public void applyUpdater(INDArray gradient, int iteration, int epoch) {
            setEpsilon(EPSILON * Math.sqrt(1 - Math.pow(getBeta2(), iteration + 1)));
            super.applyUpdater(gradient, iteration, epoch);
          }
        };
    INDArray row = state.reshape(1, state.length());
    long[] shape = {1, state.length() / 2};
    updater.setStateViewArray(row, shape, state.ordering(), initialize);
    return updater;
  }

  @Override
  public Adam clone() {
    return new ExactAdam(getLearningRate());
  }
}
