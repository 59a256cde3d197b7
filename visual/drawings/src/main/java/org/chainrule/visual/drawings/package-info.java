/** Drawings of a graph as SVG, with a layout by ELK. */
package org.chainrule.visual.drawings;
