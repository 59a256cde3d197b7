package org.chainrule.draw;

import java.util.List;
import java.util.Optional;
import org.chainrule.Node;

/**
 * One node of a {@link Drawing}.
 *
 * @param id the id, unique in the drawing: a letter and digits
 * @param role what the node represents
 * @param form the outline
 * @param lines the text inside, as plain text that the renderers escape; empty for a mark
 * @param nodes the nodes of the graph that the drawn node represents; its value is the value of the
 *     last of these
 * @param beside the id of the operation beside which the node is drawn, if the node affects only
 *     that operation
 * @param paint the colours of the role or of an overlay
 */
public record DrawnNode(
    String id,
    Role role,
    Form form,
    List<String> lines,
    List<Node> nodes,
    Optional<String> beside,
    Paint paint) {
  /**
   * Creates a node with copies of the lists.
   *
   * @param id the id, unique in the drawing
   * @param role what the node represents
   * @param form the outline
   * @param lines the text inside
   * @param nodes the nodes of the graph that the drawn node represents
   * @param beside the id of the operation beside which the node is drawn
   * @param paint the colours
   */
  public DrawnNode {
    lines = List.copyOf(lines);
    nodes = List.copyOf(nodes);
  }

  DrawnNode(String id, Role role, Form form, List<String> lines, List<Node> nodes, String beside) {
    this(id, role, form, lines, nodes, Optional.ofNullable(beside), role.paint());
  }
}
