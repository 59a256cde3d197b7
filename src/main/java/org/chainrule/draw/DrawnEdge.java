package org.chainrule.draw;

/**
 * An arrow of a {@link Drawing}.
 *
 * @param from the id of the node at which the arrow begins
 * @param to the id of the node at which the arrow ends
 * @param label the name of the variable that the arrow shows, as plain text; empty for none
 * @param role the role of the variable
 */
public record DrawnEdge(String from, String to, String label, Role role) {}
