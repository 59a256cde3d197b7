package org.chainrule;

import org.chainrule.binding.NativeTrainer;
import org.jspecify.annotations.Nullable;

/**
 * The loop of {@code fit}. Native code runs the steps in slices; between two slices, this class
 * checks for interrupts and stops, and calls the listener. Only the thread that owns the trainer
 * runs the loop.
 */
final class FitLoop {
  /** The longest time of a native slice. */
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
      throw new IllegalStateException("fit: this thread is already inside fit of this trainer");
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
    long samplesBefore = -1;
    long lastEpoch = 0;
    while (true) {
      if (Thread.currentThread().isInterrupted()) {
        throw new FitInterruptedException(done);
      }
      Progress progress;
      FitListener currentListener = listener;
      trainer.begin("fit");
      try {
        dataset.enter("fit");
        try {
          if (samplesBefore < 0) {
            bind(dataset, batchSize);
            samplesBefore = samples(dataset);
            lastEpoch = epochs == 0 ? Long.MAX_VALUE : handle.epoch() + epochs;
          }
          long until = currentListener == null ? lastEpoch : handle.epoch() + 1;
          long ran = handle.fit(steps - done, until, SLICE_MILLISECONDS);
          if (ran == 0) {
            throw new ChainruleException("fit: the native library ran no step");
          }
          done += ran;
          double seconds = (System.nanoTime() - start) * 1e-9;
          double rate = (samples(dataset) - samplesBefore) / Math.max(seconds, 1e-9);
          progress = progress(dataset, epochs == 0 ? 0 : lastEpoch, rate, done);
        } finally {
          inputs.forget();
          dataset.exit();
        }
      } finally {
        trainer.end(null);
      }
      // No call is running here, so a listener may close the model: close() does not wait for it.
      if (currentListener != null) {
        currentListener.onProgress(progress);
      }
      boolean ended = progress.isEpochEnd() && progress.epoch() >= lastEpoch;
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

  /** Returns the number of samples trained on since the first epoch began. */
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
