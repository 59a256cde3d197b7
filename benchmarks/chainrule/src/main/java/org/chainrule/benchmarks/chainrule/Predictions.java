package org.chainrule.benchmarks.chainrule;

import org.chainrule.Predictor;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;

/** Writes predictions to the caller's array. */
final class Predictions implements Contender.Inference {
  private final Built built;
  private final Predictor predictor;

  Predictions(Network network) {
    built = new Built(network);
    predictor = built.model.predictor(built.output);
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    predictor.predict(inputs, outputs);
  }

  @Override
  public void close() {
    predictor.close();
    built.close();
  }
}
