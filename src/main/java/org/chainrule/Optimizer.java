package org.chainrule;

/**
 * How a step changes the parameters, given their gradients. Immutable. In the formulas below, θ is
 * a parameter, g its gradient (of the mean loss over the batch), η the learning rate and λ the
 * weight decay; operations are elementwise.
 */
public sealed interface Optimizer permits Sgd, Adam, AdamW {
  /**
   * The learning rate η that training begins with; {@link Trainer#learningRate(double)} changes it
   * later.
   *
   * @return a positive number
   */
  double learningRate();

  /**
   * The weight decay λ.
   *
   * @return 0 or more
   */
  double weightDecay();
}
