package org.chainrule.benchmarks.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.HashMap;
import java.util.Map;

/** Updates a parameter in place. */
@FunctionalInterface
interface Update {
  /**
   * @param gradient the gradient multiplied by the learning rate; for Adam, the plain gradient
   */
  void apply(PtNDArray parameter, PtNDArray gradient);

  /**
   * SGD with momentum. DJL's own optimizer also copies the gradient and adds a weight decay of 0,
   * which costs three more passes over arrays of the parameter's size.
   */
  final class Momentum implements Update {
    private final Map<PtNDArray, PtNDArray> velocities = new HashMap<>();

    @Override
    public void apply(PtNDArray parameter, PtNDArray gradient) {
      PtNDArray velocity = velocities.computeIfAbsent(parameter, Momentum::zeros);
      velocity.muli(0.9f);
      velocity.addi(gradient);
      parameter.subi(velocity);
    }

    private static PtNDArray zeros(PtNDArray like) {
      return (PtNDArray) like.zerosLike();
    }
  }

  /** Adam, computed by DJL's native adamUpdate(). */
  final class Adam implements Update {
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;

    private final float learningRate;
    private final Map<PtNDArray, State> states = new HashMap<>();

    Adam(float learningRate) {
      this.learningRate = learningRate;
    }

    @Override
    public void apply(PtNDArray parameter, PtNDArray gradient) {
      State state = states.computeIfAbsent(parameter, State::new);
      ++state.steps;
      double root = Math.sqrt(1 - Math.pow(BETA2, state.steps));
      double corrected = learningRate * root / (1 - Math.pow(BETA1, state.steps));
      // adamUpdate() adds epsilon to √variance before the bias correction, so epsilon is multiplied
      // by the correction √(1 - BETA2^steps).
      float epsilon = (float) (1e-8 * root);
      JniUtils.adamUpdate(
          parameter,
          gradient,
          state.mean,
          state.variance,
          learningRate,
          (float) corrected,
          0,
          1,
          -1,
          BETA1,
          BETA2,
          epsilon,
          false);
    }

    private static final class State {
      final PtNDArray mean;
      final PtNDArray variance;
      int steps;

      State(PtNDArray parameter) {
        mean = (PtNDArray) parameter.zerosLike();
        variance = (PtNDArray) parameter.zerosLike();
      }
    }
  }
}
