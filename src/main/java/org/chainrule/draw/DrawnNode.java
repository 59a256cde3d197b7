package org.chainrule.draw;

import java.util.List;
import java.util.Optional;
import org.chainrule.Node;

/**
 * One node of a {@link Drawing}.
 *
 * @param id unique in the drawing: a letter and digits
 * @param role what it is
 * @param form its outline
 * @param lines what stands in it, plain text, each renderer escapes it; none in a mark
 * @param nodes the nodes of the graph it stands for; the last one has its value
 * @param beside the id of the operation that it is to stand beside, because it affects no other
 * @param paint its colours: its role's, or those of an overlay
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
   * Copies the lists.
   *
   * @param id unique in the drawing
   * @param role what it is
   * @param form its outline
   * @param lines what stands in it
   * @param nodes the nodes of the graph it stands for
   * @param beside the id of the operation that it is to stand beside
   * @param paint its colours
   */
  public DrawnNode {
    lines = List.copyOf(lines);
    nodes = List.copyOf(nodes);
  }

  DrawnNode(String id, Role role, Form form, List<String> lines, List<Node> nodes, String beside) {
    this(id, role, form, lines, nodes, Optional.ofNullable(beside), role.paint());
  }
}
