package org.chainrule;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.chainrule.binding.NativePredictor;
import org.jspecify.annotations.Nullable;

/**
 * The idle workspaces of a predictor. {@link #take} and {@link #give} use no lock and allocate
 * nothing. {@link #run} frees all workspaces and the native predictor; the cleaner of the predictor
 * calls it.
 */
final class WorkspacePool implements Runnable {
  private final NativePredictor predictor;
  private final AtomicReferenceArray<Workspace> idle;

  WorkspacePool(NativePredictor predictor) {
    this.predictor = predictor;
    idle = new AtomicReferenceArray<>(Math.max(8, 2 * Runtime.getRuntime().availableProcessors()));
  }

  /**
   * Removes and returns an idle workspace, or returns null if there is none. The index at which the
   * search starts depends on the thread, so that threads rarely compete for an entry.
   */
  @Nullable Workspace take() {
    int first = first();
    for (int i = 0; i < idle.length(); ++i) {
      int place = (first + i) % idle.length();
      if (idle.get(place) != null) {
        Workspace workspace = idle.getAndSet(place, null);
        if (workspace != null) {
          return workspace;
        }
      }
    }
    return null;
  }

  /** Returns a workspace to the pool, or frees it if the pool is full. */
  void give(Workspace workspace) {
    int first = first();
    for (int i = 0; i < idle.length(); ++i) {
      if (idle.compareAndSet((first + i) % idle.length(), null, workspace)) {
        return;
      }
    }
    // The pool is full: there are more concurrent calls than memory should be kept for.
    workspace.destroy();
  }

  private int first() {
    return (int) (Thread.currentThread().getId() % idle.length());
  }

  @Override
  public void run() {
    for (Workspace workspace = take(); workspace != null; workspace = take()) {
      workspace.destroy();
    }
    NativePredictor.destroy(predictor);
  }
}
