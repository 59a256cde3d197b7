import java.util.Arrays;
import java.util.List;
import org.chainrule.Batch;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/** Gradients and statistics of a build whose {@link Trainer} computes them. */
final class Gradients {
  private Gradients() {}

  /**
   * Records the loss, the gradient of each parameter and input that it depends on, and all
   * statistics.
   */
  static void record(Model model, Node loss, List<Node> wanted, Batch batch, Recorder record) {
    try (Trainer trainer = model.trainer(loss, Sgd.of(1))) {
      record.add("gradients", "loss", trainer.gradients(batch));
      for (Node node : wanted) {
        record.add("gradients", node.name(), trainer.gradientDoubles(node));
      }
      for (NodeStatistics s : trainer.statistics(batch)) {
        double[] values = {
          s.count(),
          s.minimum(),
          s.maximum(),
          s.mean(),
          s.standardDeviation(),
          s.deltaNorm(),
          s.gradientNorm()
        };
        // NaN says that there is none
        record.add(
            "statistics",
            s.node().name(),
            Arrays.stream(values).map(v -> Double.isNaN(v) ? -1 : v).toArray());
      }
    }
  }
}
