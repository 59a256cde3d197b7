package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.Node;

/** Collects the nodes and edges of a drawing while it is built. */
final class Sketch {
  private final List<DrawnNode> nodes = new ArrayList<>();
  private final List<DrawnEdge> edges = new ArrayList<>();

  /** Adds a node and returns its id. */
  String node(Role role, Form form, List<String> lines, List<Node> parts) {
    return node(role, form, lines, parts, null);
  }

  /** Adds a node that is drawn beside the node with id {@code beside}, and returns its own id. */
  String node(Role role, Form form, List<String> lines, List<Node> parts, String beside) {
    String id = nextId(0);
    nodes.add(new DrawnNode(id, role, form, lines, parts, beside));
    return id;
  }

  /** Returns the id of the node that is added after {@code others} more nodes. */
  String nextId(int others) {
    return "n" + (nodes.size() + others);
  }

  void edge(String from, String to, String label, Role role) {
    edges.add(new DrawnEdge(from, to, label, role));
  }

  List<DrawnNode> nodes() {
    return nodes;
  }

  List<DrawnEdge> edges() {
    return edges;
  }

  /** Returns the length of the longest path in nodes. Nodes beside an operation do not count. */
  int longestChain() {
    Map<String, Integer> length = new HashMap<>();
    Map<String, List<DrawnEdge>> incoming = new HashMap<>();
    for (DrawnEdge edge : edges) {
      incoming.computeIfAbsent(edge.to(), key -> new ArrayList<>()).add(edge);
    }
    int longest = 0;
    for (DrawnNode node : nodes) {
      int before = 0;
      for (DrawnEdge edge : incoming.getOrDefault(node.id(), List.of())) {
        before = Math.max(before, length.getOrDefault(edge.from(), 0));
      }
      int here = node.beside().isPresent() ? 0 : before + 1;
      length.put(node.id(), here);
      longest = Math.max(longest, here);
    }
    return longest;
  }
}
