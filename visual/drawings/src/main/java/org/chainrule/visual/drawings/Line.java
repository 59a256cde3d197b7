package org.chainrule.visual.drawings;

import java.util.List;
import org.chainrule.draw.DrawnEdge;

/**
 * An arrow on the page.
 *
 * @param edge what it draws
 * @param points x and y of where it begins, bends and ends
 * @param curved whether the points between are pairs of Bézier's control points and one on the
 *     curve
 * @param label where its text stands; null where it has none
 */
record Line(DrawnEdge edge, List<double[]> points, boolean curved, Place label) {}
