package org.chainrule;

import java.util.ArrayList;
import java.util.List;

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

  /** Reads the table that the core fills: a row a node, count 0 where there is nothing to say. */
  static List<NodeStatistics> ofTable(List<Node> nodes, double[] table, int columns) {
    List<NodeStatistics> all = new ArrayList<>();
    for (int i = 0; i < nodes.size(); ++i) {
      int at = i * columns;
      if (table[at] > 0) {
        all.add(
            new NodeStatistics(
                nodes.get(i),
                (long) table[at],
                table[at + 1],
                table[at + 2],
                table[at + 3],
                table[at + 4],
                table[at + 5],
                table[at + 6]));
      }
    }
    return List.copyOf(all);
  }
}
