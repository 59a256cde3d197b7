package org.chainrule.visual.drawings;

import java.util.List;
import org.chainrule.draw.DrawnEdge;

/**
 * An arrow on the page.
 *
 * @param edge the edge of the drawing
 * @param points x and y of the beginning, the bends and the end
 * @param curved true if the points form a cubic Bézier curve: two control points, then a point on
 *     the curve
 * @param label the place of the text; null if there is none
 */
record Line(DrawnEdge edge, List<double[]> points, boolean curved, Place label) {}
