/**
 * Drawings of a graph before, during and after training: {@link org.chainrule.draw.Drawing#of
 * Drawing.of(graph, view)} in three degrees of detail ({@link org.chainrule.draw.View}), as Mermaid
 * or DOT text, coloured by what a batch makes of the nodes ({@link org.chainrule.draw.Overlay}).
 */
package org.chainrule.draw;
