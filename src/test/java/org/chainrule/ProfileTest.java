package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The profile: the plan with measured times. */
class ProfileTest {
  /** A profile trains like {@code step}; the separate timing of the products changes nothing. */
  @Test
  void profiledStepsTrainLikeOtherSteps() {
    Optimizer[] optimizers = {Sgd.of(0.1), Sgd.of(0.1).momentum(0.9), Adam.of(0.01)};
    for (Optimizer optimizer : optimizers) {
      try (Graph graph = Nets.classifier(20, 3, 30);
          Model profiled = Model.create(graph, 1);
          Model stepped = Model.create(graph, 1);
          Trainer a = profiled.trainer(graph.node("loss"), optimizer);
          Trainer b = stepped.trainer(graph.node("loss"), optimizer)) {
        Batch batch = Nets.batch(2, 32, 20, 3);
        String text = a.profile(batch, 3);
        a.step(batch);
        for (int i = 0; i < 4; ++i) {
          b.step(batch);
        }
        assertArrayEquals(Nets.parameters(stepped), Nets.parameters(profiled));
        assertEquals(4, a.steps());
        for (String word : new String[] {" ms", " %", "GFLOP/s", "GB/s", "products alone take"}) {
          assertTrue(text.contains(word), text);
        }
      }
    }
  }
}
