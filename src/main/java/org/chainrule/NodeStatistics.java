package org.chainrule;

import java.util.List;
import org.chainrule.binding.NativeStatistics;

/**
 * What a batch makes of one node. Where a value is NaN, the numbers about the values are too.
 *
 * @param node whose
 * @param count how many values it has: samples times features, or rows times columns
 * @param minimum the smallest; of a label, the smallest class index
 * @param maximum the largest
 * @param mean their mean
 * @param standardDeviation the root of their mean squared distance from the mean
 * @param deltaNorm the root of the sum of the squares of its delta, the derivative of the loss by
 *     its values; NaN for parameters, and for nodes on no way from a parameter or an input to the
 *     loss
 * @param gradientNorm the root of the sum of the squares of a parameter's gradient; NaN for other
 *     nodes
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
