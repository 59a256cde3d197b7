package org.chainrule.samples.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts the service on a free port and calls it as a client does. */
class ServiceTest {
  private static final Path SOURCE =
      Path.of("src/main/java/org/chainrule/samples/spring/Service.java");

  @TempDir Path folder;

  private static HttpResponse<String> post(int port, String json) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/predict"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json))
            .build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
  }

  @Test
  void answersWithTheModelsPredictions() throws Exception {
    Graph graph = new Graph();
    Node x = graph.input("x", 2);
    Node probabilities = x.linear(3).softmax().named("probabilities");
    Path file = folder.resolve("model.safetensors");
    float[] expected;
    try (Model model = Model.create(graph, 1);
        Predictor predictor = model.predictor(probabilities)) {
      model.save(file);
      expected = predictor.predict(new float[] {1, 2});
    }
    Model served;
    try (ConfigurableApplicationContext service =
        SpringApplication.run(Service.class, "--model=" + file, "--server.port=0")) {
      served = service.getBean(Model.class);
      int port = service.getEnvironment().getRequiredProperty("local.server.port", Integer.class);

      HttpResponse<String> answer = post(port, "[[1, 2]]");
      assertEquals(200, answer.statusCode(), answer.body());
      String[] numbers = answer.body().replaceAll("[\\[\\]]", "").split(",");
      assertEquals(3, numbers.length, answer.body());
      for (int i = 0; i < 3; ++i) {
        assertEquals(expected[i], Float.parseFloat(numbers[i]));
      }

      HttpResponse<String> refusal = post(port, "[[1, 2, 3]]");
      assertEquals(400, refusal.statusCode(), refusal.body());
      assertTrue(refusal.body().contains("expected"), refusal.body());
    }
    assertThrows(IllegalStateException.class, served::snapshot);
  }

  @Test
  void theCookbookShowsThisSource() throws Exception {
    String page = Files.readString(Path.of("../../docs/cookbook.md"));
    assertTrue(page.contains("```java\n" + Files.readString(SOURCE) + "```\n"), "docs/cookbook.md");
  }
}
