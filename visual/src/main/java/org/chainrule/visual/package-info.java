/** Pages about a training in HTML, and training curves as charts. */
package org.chainrule.visual;
