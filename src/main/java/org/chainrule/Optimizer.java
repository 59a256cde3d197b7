package org.chainrule;

import java.util.Map;

/**
 * The rule by which a training step changes the parameters, given their gradients. Immutable.
 *
 * <p>In the formulas of the implementations, θ is a parameter, g its gradient (of the mean loss
 * over the batch), η the learning rate and λ the weight decay. All operations are elementwise.
 */
public sealed interface Optimizer permits Sgd, Adam, AdamW, Rmsprop {
  /**
   * Returns the learning rate η of the first step. {@link Trainer#learningRate(double)} changes it
   * during training.
   *
   * @return 0 or more; with 0 the parameters do not change
   */
  double learningRate();

  /**
   * Returns the weight decay λ.
   *
   * @return 0 or more
   */
  double weightDecay();

  /**
   * Returns the name of the rule in files.
   *
   * @return a name such as {@code "adam"}
   */
  String name();

  /**
   * Returns the settings by their names in files, such as {@code "learning_rate"}, in the order of
   * the record's components. A boolean setting is 0 or 1.
   *
   * @return an unmodifiable map
   */
  Map<String, Double> settings();
}
