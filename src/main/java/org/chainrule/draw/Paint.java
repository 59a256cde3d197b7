package org.chainrule.draw;

/**
 * A node's colours, each as #rrggbb.
 *
 * @param fill of the inside
 * @param stroke of the outline
 * @param text of what stands inside
 */
public record Paint(String fill, String stroke, String text) {}
