/**
 * What needs more dependencies than the library: drawings as SVG, pages in HTML, training curves
 * and a progress bar.
 */
package org.chainrule.extras;
