import java.util.List;
import org.chainrule.Batch;
import org.chainrule.Gradients;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;

/** Computes gradients and statistics with a build that has {@link Gradients}. */
final class DerivativesOf implements AutoCloseable {
  private final Gradients gradients;

  DerivativesOf(Model model, Node loss) {
    gradients = Gradients.of(model, loss);
  }

  double loss(Batch batch) {
    return gradients.compute(batch);
  }

  double[] gradient(Node node) {
    return gradients.getDoubles(node);
  }

  List<NodeStatistics> statistics(Batch batch) {
    return gradients.statistics(batch);
  }

  @Override
  public void close() {
    gradients.close();
  }
}
