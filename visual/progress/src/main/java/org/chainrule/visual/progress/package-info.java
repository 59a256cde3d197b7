/** Shows the progress of a training on a terminal, in a log or through a logger. */
package org.chainrule.visual.progress;
