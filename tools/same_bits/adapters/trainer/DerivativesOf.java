import java.util.List;
import org.chainrule.Batch;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/** Computes gradients and statistics with a build whose {@link Trainer} computes them. */
final class DerivativesOf implements AutoCloseable {
  private final Trainer trainer;

  DerivativesOf(Model model, Node loss) {
    trainer = model.trainer(loss, Sgd.of(1));
  }

  double loss(Batch batch) {
    return trainer.gradients(batch);
  }

  double[] gradient(Node node) {
    return trainer.gradientDoubles(node);
  }

  List<NodeStatistics> statistics(Batch batch) {
    return trainer.statistics(batch);
  }

  @Override
  public void close() {
    trainer.close();
  }
}
