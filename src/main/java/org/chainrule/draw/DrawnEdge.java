package org.chainrule.draw;

/**
 * An arrow of a {@link Drawing}.
 *
 * @param from the id of the node where it begins
 * @param to the id of the node where it ends
 * @param label the variable that goes along it, plain text; empty for none
 * @param role whose variable it is
 */
public record DrawnEdge(String from, String to, String label, Role role) {}
