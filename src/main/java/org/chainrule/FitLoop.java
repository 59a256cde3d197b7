package org.chainrule;

import org.chainrule.binding.NativeTrainer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code fit} does between the native slices: interrupts, stops, the listener. Only the thread
 * that owns the trainer runs it.
 */
final class FitLoop {
  /** The longest time between two returns to Java. */
  private static final double SLICE_MILLISECONDS = 50;

  private final Trainer trainer;
  private final NativeTrainer handle;
  private final Inputs inputs;
  private volatile @Nullable FitListener listener;
  private volatile boolean stopped;
  private boolean running;
  private @Nullable Dataset bound;
  private int boundBatchSize;

  FitLoop(Trainer trainer, NativeTrainer handle, Inputs inputs) {
    this.trainer = trainer;
    this.handle = handle;
    this.inputs = inputs;
  }

  void listener(@Nullable FitListener listener) {
    this.listener = listener;
  }

  void stop() {
    stopped = true;
  }

  Progress run(Dataset dataset, int batchSize, int epochs, long steps) {
    if (running) {
      throw new IllegalStateException("fit: this trainer is already in fit, in this very thread");
    }
    running = true;
    stopped = false;
    try {
      return slices(dataset, batchSize, epochs, steps);
    } finally {
      running = false;
    }
  }

  private Progress slices(Dataset dataset, int batchSize, int epochs, long steps) {
    long start = System.nanoTime();
    long done = 0;
    long before = -1;
    long last = 0;
    while (true) {
      if (Thread.currentThread().isInterrupted()) {
        throw new FitInterruptedException(done);
      }
      Progress progress;
      FitListener hears = listener;
      trainer.begin("fit");
      try {
        dataset.enter("fit");
        try {
          if (before < 0) {
            bind(dataset, batchSize);
            before = samples(dataset);
            last = epochs == 0 ? Long.MAX_VALUE : handle.epoch() + epochs;
          }
          long until = hears == null ? last : handle.epoch() + 1;
          long made = handle.fit(steps - done, until, SLICE_MILLISECONDS);
          if (made == 0) {
            throw new ChainruleException("fit: the native library made no step");
          }
          done += made;
          double seconds = (System.nanoTime() - start) * 1e-9;
          double rate = (samples(dataset) - before) / Math.max(seconds, 1e-9);
          progress = progress(dataset, epochs == 0 ? 0 : last, rate, done);
        } finally {
          inputs.forget();
          dataset.exit();
        }
      } finally {
        trainer.end(null);
      }
      // outside of every count of running calls: what the listener closes does not wait for itself
      if (hears != null) {
        hears.onProgress(progress);
      }
      boolean ended = progress.isEpochEnd() && progress.epoch() >= last;
      if (stopped || done >= steps || ended) {
        return progress;
      }
    }
  }

  private void bind(Dataset dataset, int batchSize) {
    if (dataset != bound || batchSize != boundBatchSize) {
      bound = null;
      dataset.bind(handle, batchSize);
      bound = dataset;
      boundBatchSize = batchSize;
    }
  }

  /** Samples trained since the first epoch began. */
  private long samples(Dataset dataset) {
    return handle.epoch() * dataset.examples() + handle.epoch_position();
  }

  private Progress progress(Dataset dataset, long epochs, double rate, long done) {
    long examples = dataset.examples();
    long epoch = handle.epoch();
    long position = handle.epoch_position();
    return position == 0
        ? new Progress(epoch, epochs, examples, examples, handle.epoch_loss(), rate, done)
        : new Progress(epoch + 1, epochs, position, examples, handle.running_loss(), rate, done);
  }
}
