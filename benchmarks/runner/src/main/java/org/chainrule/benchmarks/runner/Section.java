package org.chainrule.benchmarks.runner;

import java.util.List;

/** A section of the benchmark. Each section fills one table. */
enum Section {
  TRAINING("Training with SGD"),
  OPTIMIZERS("Training with momentum and Adam"),
  INFERENCE("Inference"),
  ALLOCATION("Memory allocated by a training step"),
  COLD_START("Cold start"),
  SIZE("Number and size of the jars that an application ships"),
  GROWTH("Training time by width, batch size, depth and number of threads"),
  BUSY("Training while another process keeps a core busy"),
  BANDWIDTH("Memory bandwidth of this machine");

  static final List<Section> FULL = List.of(values());
  static final List<Section> QUICK = List.of(TRAINING, INFERENCE, ALLOCATION);

  private final String title;

  Section(String title) {
    this.title = title;
  }

  /** Returns the name that the option --sections uses, such as cold-start. */
  String label() {
    return Job.lower(this);
  }

  String title() {
    return title;
  }
}
