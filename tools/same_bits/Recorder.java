import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes all numbers that a run computed, each array under its network's name and a key. */
final class Recorder implements AutoCloseable {
  private final DataOutputStream out;
  private String network = "";
  private String variant = "";

  Recorder(Path file) throws IOException {
    out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16));
  }

  /** Sets what the following numbers belong to. */
  void of(String network, String variant) {
    this.network = network;
    this.variant = variant;
  }

  /** Records numbers, which must be finite: NaN would hide all that led to it. */
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
