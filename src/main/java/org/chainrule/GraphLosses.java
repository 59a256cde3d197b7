package org.chainrule;

/** The losses of a graph: scalars that a trainer can make smaller. */
abstract class GraphLosses extends GraphOperations {
  /**
   * Cross-entropy between the softmax of logits and a label or a distribution.
   *
   * @param logits one value a class, not yet probabilities
   * @param label a label of as many classes, or a target with a distribution a sample
   * @return a scalar, the mean over the batch
   */
  public Node softmaxCrossEntropy(Node logits, Node label) {
    return apply(Op.SOFTMAX_CROSS_ENTROPY, logits, label);
  }

  /**
   * Cross-entropy between probabilities and a label or a distribution. Prefer {@link
   * #softmaxCrossEntropy}, which cannot overflow.
   *
   * @param probabilities one value a class
   * @param label a label of as many classes, or a target with a distribution a sample
   * @return a scalar, the mean over the batch
   */
  public Node negativeLogLikelihood(Node probabilities, Node label) {
    return apply(Op.NEGATIVE_LOG_LIKELIHOOD, probabilities, label);
  }

  /**
   * Cross-entropy between the logistic function of logits and targets of 0 to 1, mean over the
   * outputs.
   *
   * @param logits any number of outputs, not yet probabilities
   * @param target as many values of 0 to 1
   * @return a scalar, the mean over the batch
   */
  public Node binaryCrossEntropy(Node logits, Node target) {
    return apply(Op.BINARY_CROSS_ENTROPY, logits, target);
  }

  /**
   * The squared distance ‖prediction − target‖²: summed over the outputs, mean over the batch.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @return a scalar, the mean over the batch
   */
  public Node squaredError(Node prediction, Node target) {
    return apply(Op.SQUARED_ERROR, prediction, target);
  }

  /**
   * The squared distance divided by the number of outputs, mean over the batch.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @return a scalar, the mean over the batch
   */
  public Node meanSquaredError(Node prediction, Node target) {
    return apply(Op.MEAN_SQUARED_ERROR, prediction, target);
  }

  /**
   * Huber's loss: half the squared distance where it is below delta, linear beyond; mean over the
   * outputs and the batch. P. J. Huber, 1964.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @param delta positive
   * @return a scalar, the mean over the batch
   */
  public Node huber(Node prediction, Node target, double delta) {
    return apply(Op.HUBER, delta, prediction, target);
  }
}
