package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.benchmarks.Request;
import org.chainrule.benchmarks.Workload;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonTest {
  @Test
  void answersAreRead() throws IOException {
    Map<String, Object> answer =
        Json.read("{\"samples_ms\":[1.5,2],\"blas\":\"a \\\"b\\\"\",\"loss\":null}");
    assertEquals(List.of(1.5, 2.0), answer.get("samples_ms"));
    assertEquals("a \"b\"", answer.get("blas"));
    assertTrue(answer.containsKey("loss"));
    assertThrows(IOException.class, () -> Json.read("[1]"));
    assertThrows(IOException.class, () -> Json.read("{\"a\":"));
  }

  @Test
  void nonFiniteNumbersAreOmitted(@TempDir Path folder) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("library", "torch");
    fields.put("median_ms", 1.5);
    fields.put("threads", 2);
    fields.put("loss", Double.NaN);
    fields.put("busy_core", false);
    Path file = folder.resolve("results.json");
    Json.write(file, List.of(fields, Map.of("library", "djl")));
    assertEquals(
        """
        [
        {"library":"torch","median_ms":1.5,"threads":2,"busy_core":false},
        {"library":"djl"}
        ]
        """,
        Files.readString(file));
  }

  @Test
  void aMeasurementIsWrittenWithTheMedianOfItsRounds() throws IOException {
    Request request = Request.training(Workload.MNIST_S, Workload.Optimizer.SGD, 2, 1);
    Job job = new Job(Variant.ALL.get(0), "mnist-s", request, false);
    Measurement measurement = new Measurement(job);
    measurement.add(Json.read("{\"samples_ms\":[1,2,9],\"loss\":2.5,\"blas\":\"MKL\"}"));
    measurement.add(Json.read("{\"samples_ms\":[3],\"loss\":2.5,\"blas\":\"MKL\"}"));
    measurement.add(Json.read("{\"samples_ms\":[4,4],\"loss\":2.5,\"blas\":\"MKL\"}"));
    Map<String, Object> fields = Results.fields(Section.TRAINING, job, measurement);
    assertEquals("mnist-s", fields.get("workload"));
    assertEquals("chainrule", fields.get("library"));
    assertEquals("MKL", fields.get("blas"));
    assertEquals(2, fields.get("threads"));
    assertEquals(3.0, fields.get("median_ms"));
    assertEquals(2 / 3.0, fields.get("spread"));
    assertEquals((4.0 * 784 * 128 + 6.0 * 128 * 10) * 64 / 3 / 1e6, fields.get("gflops"));
  }

  @Test
  void aFailureIsWrittenWithItsReason() {
    Request request = Request.training(Workload.TINY, Workload.Optimizer.SGD, 1, 1);
    Job job = new Job(Variant.ALL.get(0), "tiny", request, false);
    Measurement measurement = new Measurement(job);
    measurement.add(Map.of("failure", "took longer than 180 s"));
    assertEquals(
        "took longer than 180 s",
        Results.fields(Section.TRAINING, job, measurement).get("failure"));
  }
}
