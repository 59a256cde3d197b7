/** Drawings of a graph as SVG, laid out by ELK. */
package org.chainrule.visual.drawings;
