import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes all numbers that a run computes. Each array has the name of its network and a key. */
final class Recorder implements AutoCloseable {
  private final DataOutputStream out;
  private String network = "";
  private String variant = "";

  Recorder(Path file) throws IOException {
    out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16));
  }

  /** Sets the network and the variant of the following numbers. */
  void of(String network, String variant) {
    this.network = network;
    this.variant = variant;
  }

  /**
   * Records numbers. Throws IllegalStateException if one is not finite, because a NaN would hide
   * the numbers from which it was computed.
   */
  void add(String what, String name, double... values) {
    String key = variant + ": " + what + ", " + name;
    try {
      out.writeUTF(network);
      out.writeUTF(key);
      out.writeInt(values.length);
      for (int i = 0; i < values.length; ++i) {
        if (!Double.isFinite(values[i])) {
          throw new IllegalStateException(
              network
                  + ", "
                  + key
                  + ": expected finite numbers, but got "
                  + values[i]
                  + " at "
                  + i);
        }
        out.writeDouble(values[i]);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
