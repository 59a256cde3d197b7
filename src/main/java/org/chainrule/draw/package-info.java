/**
 * Drawings of a graph before, during and after training. {@link org.chainrule.draw.Drawing#of
 * Drawing.of(graph, view)} draws a graph in one of three levels of detail ({@link
 * org.chainrule.draw.View}), as Mermaid or DOT text. An {@link org.chainrule.draw.Overlay} colours
 * the nodes by their statistics on a batch.
 */
package org.chainrule.draw;
