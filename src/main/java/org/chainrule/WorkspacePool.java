package org.chainrule;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.chainrule.binding.NativePredictor;
import org.jspecify.annotations.Nullable;

/**
 * A predictor's idle workspaces. Taking and giving back takes no lock and allocates nothing while
 * there are idle ones. Running it frees everything: what a predictor's cleaner does.
 */
final class WorkspacePool implements Runnable {
  private final NativePredictor predictor;
  private final AtomicReferenceArray<Workspace> idle;

  WorkspacePool(NativePredictor predictor) {
    this.predictor = predictor;
    idle = new AtomicReferenceArray<>(Math.max(8, 2 * Runtime.getRuntime().availableProcessors()));
  }

  /** An idle workspace, or null. Each thread begins to look at a place of its own. */
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

  void give(Workspace workspace) {
    int first = first();
    for (int i = 0; i < idle.length(); ++i) {
      if (idle.compareAndSet((first + i) % idle.length(), null, workspace)) {
        return;
      }
    }
    // more callers at once than is worth keeping memory for
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
