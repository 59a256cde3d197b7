/** Progress of a training on a terminal, in a log or for a logger. */
package org.chainrule.visual.progress;
