package org.chainrule.visual.drawings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.chainrule.Graph;
import org.chainrule.Node;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.DrawnNode;
import org.chainrule.draw.View;
import org.eclipse.elk.alg.layered.options.LayeredOptions;
import org.eclipse.elk.core.data.LayoutMetaDataService;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** Tests drawings as SVG. */
class SvgTest {
  private final Graph graph = new Graph();

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }

  private Node network() {
    Node x = graph.input("x", 4);
    Node a = x.linear(3).sigmoid();
    Node b = x.linear(3).relu();
    return graph.meanSquaredError(a.add(b).linear(2), graph.target("y", 2));
  }

  @Test
  void theTextsAreThoseOfTheNodesAndEdges() throws Exception {
    Drawing drawing = Drawing.of(network(), View.CONCISE);
    List<String> expected = new ArrayList<>();
    drawing.edges().stream()
        .map(edge -> edge.label())
        .filter(t -> !t.isEmpty())
        .forEach(expected::add);
    drawing.nodes().forEach(node -> expected.addAll(node.lines()));
    var texts = parse(Svg.of(drawing)).getElementsByTagName("text");
    List<String> found = new ArrayList<>();
    for (int i = 0; i < texts.getLength(); ++i) {
      found.add(texts.item(i).getTextContent());
    }
    expected.sort(null);
    found.sort(null);
    assertEquals(expected, found);
  }

  @Test
  void namesAreEscaped() throws Exception {
    String name = "<script>alert(\"1\")</script> & ' ]]>";
    graph.input(name, 2).tanh();
    String svg = Svg.of(graph, View.CONCISE);
    assertFalse(svg.contains("<script"), svg);
    assertEquals(
        name.substring(0, 14),
        parse(svg).getElementsByTagName("text").item(0).getTextContent().substring(0, 14));
  }

  @Test
  void theSameDrawingGivesTheSameText() {
    Drawing drawing = Drawing.of(network(), View.DETAILED);
    assertEquals(Svg.of(drawing), Svg.of(drawing));
  }

  /** All threads share one layout service. */
  @Test
  void severalThreadsCanDrawAtTheSameTime() {
    Drawing drawing = Drawing.of(network(), View.CONCISE);
    String expected = Svg.of(drawing);
    LayoutMetaDataService service = LayoutMetaDataService.getInstance();
    Object registered = service.getAlgorithmData(LayeredOptions.ALGORITHM_ID);
    List<String> drawn =
        IntStream.range(0, 64).parallel().mapToObj(i -> Svg.of(drawing)).distinct().toList();
    assertEquals(List.of(expected), drawn);
    assertSame(registered, service.getAlgorithmData(LayeredOptions.ALGORITHM_ID));
  }

  @Test
  void nodesAndLabelsAreOnThePageAndDoNotOverlap() {
    Node loss = network();
    for (View view : View.values()) {
      Drawing drawing = Drawing.of(loss, view);
      Layout layout = new Layout(drawing);
      List<Place> places = new ArrayList<>(layout.places().values());
      assertEquals(drawing.nodes().size(), places.size());
      layout.lines().stream().map(Line::label).filter(l -> l != null).forEach(places::add);
      for (Place a : places) {
        assertTrue(a.x() >= 0 && a.right() <= layout.width(), a.toString());
        assertTrue(a.y() >= 0 && a.bottom() <= layout.height(), a.toString());
        for (Place b : places) {
          boolean apart =
              a.right() <= b.x()
                  || b.right() <= a.x()
                  || a.bottom() <= b.y()
                  || b.bottom() <= a.y();
          assertTrue(a == b || apart, view + ": " + a + " and " + b);
        }
      }
    }
  }

  @Test
  void textFitsIntoItsNode() {
    Map<String, Place> places = new HashMap<>();
    Drawing drawing = Drawing.of(network(), View.CONCISE);
    places.putAll(new Layout(drawing).places());
    for (DrawnNode node : drawing.nodes()) {
      Place place = places.get(node.id());
      assertTrue(Lettering.width(node) < place.width(), node.toString());
      assertTrue(Lettering.height(node) < place.height(), node.toString());
    }
  }

  @Test
  void arrowsBeginAndEndAtOutlines() {
    Drawing drawing = Drawing.of(network(), View.CONCISE);
    Layout layout = new Layout(drawing);
    for (Line line : layout.lines()) {
      assertOnOutline(layout.places().get(line.edge().from()), line.points().get(0));
      assertOnOutline(
          layout.places().get(line.edge().to()), line.points().get(line.points().size() - 1));
    }
  }

  /** Asserts that a point is near the outline of a node: in its frame but not in its centre. */
  private static void assertOnOutline(Place place, double[] point) {
    double x = Math.abs(point[0] - place.centerX()) / place.width();
    double y = Math.abs(point[1] - place.centerY()) / place.height();
    assertTrue(
        x <= 0.51 && y <= 0.51 && Math.hypot(x, y) >= 0.49,
        place + ", " + point[0] + ", " + point[1]);
  }

  @Test
  void refusesNull() {
    assertEquals(
        "SVG: the drawing must not be null",
        assertThrows(IllegalArgumentException.class, () -> Svg.of(null)).getMessage());
  }
}
