package org.chainrule;

import java.util.Map;

/**
 * How a step changes the parameters, given their gradients. Immutable. In the formulas below, θ is
 * a parameter, g its gradient (of the mean loss over the batch), η the learning rate and λ the
 * weight decay; operations are elementwise.
 */
public sealed interface Optimizer permits Sgd, Adam, AdamW, Rmsprop {
  /**
   * The learning rate η that training begins with; {@link Trainer#learningRate(double)} changes it
   * later.
   *
   * @return 0 or more; with 0 nothing is trained
   */
  double learningRate();

  /**
   * The weight decay λ.
   *
   * @return 0 or more
   */
  double weightDecay();

  /**
   * The name of the rule in files.
   *
   * @return such as {@code "adam"}
   */
  String name();

  /**
   * The settings by their names in files, such as {@code "learning_rate"}, in the order of the
   * record. A switch is 0 or 1.
   *
   * @return a map that cannot be changed
   */
  Map<String, Double> settings();
}
