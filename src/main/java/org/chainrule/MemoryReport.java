package org.chainrule;

import org.chainrule.binding.NativeMemoryUse;

/**
 * Native memory in bytes, by purpose. The memory grows with the largest batch so far and is freed
 * when the trainer or tool that holds it is closed.
 *
 * @param arena values and deltas between the phases of a step; {@link Trainer#plan} prints how much
 *     one batch size needs
 * @param parameters the model's parameters
 * @param constants the model's constants
 * @param optimizerState velocities or moments
 * @param gradients gradients that {@link Gradients} computed
 * @param inputs copies of batches; batches that are read in place do not count
 * @param dataset the columns and the order of examples of the data set that {@code fit} was last
 *     called with
 * @param checks memory of {@link Gradients#statistics} and {@link Trainer#checking}
 */
public record MemoryReport(
    long arena,
    long parameters,
    long constants,
    long optimizerState,
    long gradients,
    long inputs,
    long dataset,
    long checks) {
  static MemoryReport of(NativeMemoryUse use) {
    return new MemoryReport(
        use.arena(),
        use.parameters(),
        use.constants(),
        use.state(),
        use.gradients(),
        use.inputs(),
        use.dataset(),
        use.checks());
  }

  /**
   * Returns the sum of all purposes.
   *
   * @return the amount in bytes
   */
  public long total() {
    return arena + parameters + constants + optimizerState + gradients + inputs + dataset + checks;
  }

  /** {@return a table with one line per purpose and a line for the total} */
  @Override
  public String toString() {
    return line("arena", arena)
        + line("parameters", parameters)
        + line("constants", constants)
        + line("optimizer state", optimizerState)
        + line("gradients", gradients)
        + line("inputs", inputs)
        + line("data set", dataset)
        + line("checks", checks)
        + line("total", total());
  }

  private static String line(String purpose, long bytes) {
    return String.format("%-16s%,16d bytes%n", purpose, bytes);
  }
}
