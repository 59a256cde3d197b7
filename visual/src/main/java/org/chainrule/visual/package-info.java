/** HTML pages about a training, and charts of training curves. */
package org.chainrule.visual;
