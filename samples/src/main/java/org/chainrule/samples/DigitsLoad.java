package org.chainrule.samples;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.chainrule.Device;
import org.chainrule.Model;
import org.chainrule.Predictor;

/** Loads the model that {@link Digits} saved, in a program that uses nothing except the file. */
public final class DigitsLoad {
  private DigitsLoad() {}

  /**
   * Predicts the held-out digits.
   *
   * @param args the model's file, the file for the predictions and, optionally, {@code cuda} to
   *     compute on a CUDA device
   * @throws IOException if the predictions cannot be written
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 2 && args.length != 3) {
      System.err.println(
          "Expected the model's file, a file for the predictions and, optionally, cuda.");
      System.exit(2);
    }
    Device device = Digits.device(args.length > 2 ? args[2] : "cpu");
    try (Model model = Model.load(Path.of(args[0]), device);
        Predictor predictor = model.predictor(model.graph().node("logits"))) {
      Table digits = Digits.heldOutPart();
      float[] pixels = digits.floats(0, DigitsNetwork.PIXELS);
      write(Path.of(args[1]), predictor.predict(pixels));
      double accuracy =
          Score.accuracy(predictor.classify(pixels), digits.labels(DigitsNetwork.PIXELS));
      Score.print(
          "loaded %,d parameters: accuracy %s", model.parameterCount(), Score.percent(accuracy));
    }
  }

  /** Writes the bits of the numbers unchanged. */
  static void write(Path file, float[] values) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }
}
