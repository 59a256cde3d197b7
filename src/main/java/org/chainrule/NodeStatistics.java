package org.chainrule;

import java.util.List;
import org.chainrule.binding.NativeStatistics;

/**
 * Statistics of one node on a batch. If any value is NaN, the minimum, maximum, mean and standard
 * deviation are NaN.
 *
 * @param node the node
 * @param count the number of values: samples times features, or rows times columns
 * @param minimum the smallest value, or the smallest class index of a label
 * @param maximum the largest value, or the largest class index of a label
 * @param mean the mean of the values
 * @param standardDeviation the square root of the mean squared distance from the mean
 * @param deltaNorm the square root of the sum of the squares of the node's delta, the derivative of
 *     the loss by its values; NaN for parameters, and for nodes that are not on a path from a
 *     parameter or an input to the loss
 * @param gradientNorm the square root of the sum of the squares of a parameter's gradient; NaN for
 *     other nodes
 */
public record NodeStatistics(
    Node node,
    long count,
    double minimum,
    double maximum,
    double mean,
    double standardDeviation,
    double deltaNorm,
    double gradientNorm) {

  static NodeStatistics of(List<Node> nodes, NativeStatistics s) {
    return new NodeStatistics(
        nodes.get(s.node()),
        s.count(),
        s.minimum(),
        s.maximum(),
        s.mean(),
        s.standard_deviation(),
        s.delta_norm(),
        s.gradient_norm());
  }
}
