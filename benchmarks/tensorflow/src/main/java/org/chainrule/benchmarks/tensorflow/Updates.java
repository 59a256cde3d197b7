package org.chainrule.benchmarks.tensorflow;

import java.util.ArrayList;
import java.util.List;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** The update operations of a step. */
final class Updates {
  private static final float BETA1 = 0.9f;
  private static final float BETA2 = 0.999f;

  private final Model model;
  private final Workload.Optimizer optimizer;
  private final Operand<TFloat32> learningRate;
  private final List<Op> targets = new ArrayList<>();
  private Operand<? extends TType> beta1Power;
  private Operand<? extends TType> beta2Power;
  private Operand<TFloat32> beta1PowerValue;
  private Operand<TFloat32> beta2PowerValue;
  private Operand<TFloat32> epsilon;

  Updates(Model model, Workload.Optimizer optimizer, float learningRate) {
    this.model = model;
    this.optimizer = optimizer;
    this.learningRate = model.tf.constant(learningRate);
    if (optimizer == Workload.Optimizer.ADAM) {
      beta1Power = model.variable("beta1", new float[] {BETA1});
      beta2Power = model.variable("beta2", new float[] {BETA2});
      beta1PowerValue = model.read(beta1Power);
      beta2PowerValue = model.read(beta2Power);
      // TensorFlow adds epsilon to the root before the bias correction, so epsilon is scaled.
      Operand<TFloat32> correction = model.tf.math.sub(model.tf.constant(1f), beta2PowerValue);
      epsilon = model.tf.math.mul(model.tf.constant(1e-8f), model.tf.math.sqrt(correction));
    }
  }

  /** Adds an update that runs after {@code reader}, which reads the variable. */
  void add(
      Operand<? extends TType> variable,
      int size,
      Operand<TFloat32> gradient,
      Op reader,
      long... shape) {
    Ops tf = model.tf.withControlDependencies(reader);
    String name = variable.op().name();
    targets.add(
        switch (optimizer) {
          case SGD -> tf.train.resourceApplyGradientDescent(variable, learningRate, gradient);
          case MOMENTUM ->
              tf.train.resourceApplyMomentum(
                  variable,
                  model.variable(name + "m", new float[size], shape),
                  learningRate,
                  gradient,
                  tf.constant(0.9f));
          case ADAM ->
              tf.train.resourceApplyAdam(
                  variable,
                  model.variable(name + "m", new float[size], shape),
                  model.variable(name + "v", new float[size], shape),
                  beta1PowerValue,
                  beta2PowerValue,
                  learningRate,
                  tf.constant(BETA1),
                  tf.constant(BETA2),
                  epsilon,
                  gradient);
        });
  }

  /** Returns all operations that a step must run to update. */
  List<Op> targets() {
    if (optimizer != Workload.Optimizer.ADAM) {
      return targets;
    }
    Ops tf = model.tf.withControlDependencies(targets);
    Operand<TFloat32> power1 = tf.math.mul(beta1PowerValue, tf.constant(BETA1));
    Operand<TFloat32> power2 = tf.math.mul(beta2PowerValue, tf.constant(BETA2));
    return List.of(
        tf.assignVariableOp(beta1Power, power1), tf.assignVariableOp(beta2Power, power2));
  }
}
