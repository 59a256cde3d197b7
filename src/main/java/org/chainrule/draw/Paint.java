package org.chainrule.draw;

/**
 * A node's colours, each as #rrggbb.
 *
 * @param fill the colour of the inside
 * @param stroke the colour of the outline
 * @param text the colour of the text inside
 */
public record Paint(String fill, String stroke, String text) {}
