package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.chainrule.Graph;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Op;
import org.junit.jupiter.api.Test;

/** Tests that the pictures in docs/ are those that the library draws. */
class PicturesTest {
  @Test
  void committedPicturesMatchTheDrawings() throws Exception {
    Map<String, String> files = Pictures.files();
    TreeSet<String> committed = new TreeSet<>();
    try (var paths = Files.list(Pictures.FOLDER)) {
      paths.forEach(path -> committed.add(path.getFileName().toString()));
    }
    assertEquals(new TreeSet<>(files.keySet()), committed);
    for (Map.Entry<String, String> file : files.entrySet()) {
      assertEquals(
          Files.readString(Pictures.FOLDER.resolve(file.getKey())),
          file.getValue(),
          file.getKey() + ": draw it again with -Dsample=Pictures and look at it");
    }
  }

  @Test
  void theHundredNodesDrawingHasAHundredNodes() {
    int drawn = Gallery.drawings().get("hundred-nodes-concise").nodes().size();
    assertEquals(100, drawn);
  }

  @Test
  void deltasVanishInADeepSigmoidNetworkAndNotInAReluNetwork() {
    assertTrue(deltaRatio(true) < 1e-5, "sigmoid: " + deltaRatio(true));
    double relu = deltaRatio(false);
    assertTrue(relu > 0.1 && relu < 10, "ReLU: " + relu);
  }

  /** Returns ‖δ‖ of the first layer's activation divided by ‖δ‖ of the tenth layer's. */
  private static double deltaRatio(boolean sigmoid) {
    Graph graph = new Graph();
    Node loss = Gallery.deep(graph, sigmoid);
    List<NodeStatistics> activations =
        Gallery.statistics(graph, loss).stream()
            .filter(entry -> entry.node().op() == (sigmoid ? Op.SIGMOID : Op.RELU))
            .toList();
    assertEquals(10, activations.size());
    return activations.get(0).deltaNorm() / activations.get(9).deltaNorm();
  }

  /** Writes the page that tools/check_drawings.sh loads in a browser. */
  @Test
  void thePageAboutATrainingContainsGraphAndCurves() throws Exception {
    Path page = Path.of("target", "digits.html");
    DigitsPage.run(page);
    String text = Files.readString(page);
    assertTrue(text.contains("</svg>") && text.contains("data:image/svg+xml"), "graph and curves");
    assertEquals(16, Files.readAllLines(Path.of("target", "digits.csv")).size());
  }
}
