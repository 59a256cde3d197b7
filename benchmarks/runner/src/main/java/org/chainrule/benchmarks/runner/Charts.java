package org.chainrule.benchmarks.runner;

import java.nio.file.Path;

/** Placeholder. */
final class Charts {
  private Charts() {}

  static void draw(Section section, Contests contests, Path folder) {}
}
