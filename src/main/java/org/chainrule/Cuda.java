package org.chainrule;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.Loader;
import org.chainrule.binding.Native;

/**
 * Finds the second native library and cuBLAS. The second library is in a separate jar. cuBLAS is
 * searched for in a jar of the CUDA presets on the class path, then in the folders that {@code
 * CUDA_PATH} and {@code CUBLAS_PATH} name, then in the system's library folders. The core opens the
 * files that are found.
 */
final class Cuda {
  private static final String LIBRARY = "libchainrule_cuda.so";

  /** The CUDA library that the second native library needs. */
  private static final String CUBLAS = "libcublasLt.so.13";

  /**
   * Where the libraries are.
   *
   * @param library the second native library's file, or empty if there is none
   * @param folders the folders to search for cuBLAS, joined by colons
   */
  private record Places(String library, String folders) {}

  private static Places places;

  private Cuda() {}

  /** Returns the resource's path as a file, or an empty text if the class path lacks it. */
  private static String extract(String resource) {
    URL url = Cuda.class.getResource(resource);
    if (url == null) {
      return "";
    }
    try {
      if (url.getProtocol().equals("file")) {
        return Path.of(url.toURI()).toString();
      }
      File file = Loader.cacheResource(url);
      return file == null ? "" : file.getAbsolutePath();
    } catch (IOException | URISyntaxException e) {
      throw new ChainruleException("cuda: " + url + " cannot be unpacked: " + e.getMessage(), e);
    }
  }

  /** Returns where the libraries are. They are searched for once per process. */
  private static synchronized Places places() {
    Chainrule.load();
    if (places == null) {
      String platform = Loader.getPlatform();
      Set<String> folders = new LinkedHashSet<>();
      String cublas = extract("/org/bytedeco/cuda/" + platform + "/" + CUBLAS);
      if (!cublas.isEmpty()) {
        folders.add(Path.of(cublas).getParent().toString());
      }
      for (String variable : List.of("CUDA_PATH", "CUBLAS_PATH")) {
        String folder = System.getenv(variable);
        if (folder != null && !folder.isBlank()) {
          folders.add(folder + "/lib64");
          folders.add(folder + "/lib");
        }
      }
      folders.add("/usr/local/cuda/lib64");
      String library = extract("/org/chainrule/binding/" + platform + "-gpu/" + LIBRARY);
      places = new Places(library, String.join(":", folders));
    }
    return places;
  }

  /** Returns the coordinates of the artifact that contains the library. */
  private static String artifact() {
    String version = Chainrule.class.getPackage().getImplementationVersion();
    return "org.chainrule:chainrule:"
        + (version == null ? "<version>" : version)
        + ":"
        + Loader.getPlatform()
        + "-gpu";
  }

  private static List<String> lines(String text) {
    return text.lines().toList();
  }

  /**
   * Opens a device and returns its number. A device is opened once per process for the same
   * arguments.
   *
   * @param tuning the path of a tuning file, or empty for none
   */
  static int open(int index, Precision precision, String tuning) {
    Places at = places();
    List<String> problems = new ArrayList<>();
    if (at.library.isEmpty()) {
      problems.add(
          "the artifact "
              + artifact()
              + " with "
              + LIBRARY
              + " is not among the dependencies; add org.chainrule:chainrule-platform-gpu");
    }
    problems.addAll(lines(Native.cuda_problems(at.library, at.folders)));
    if (!problems.isEmpty()) {
      throw new ChainruleException("cuda: no device can be used: " + String.join("; ", problems));
    }
    return Native.open_cuda(at.library, at.folders, index, precision.toNative(), tuning);
  }

  static int count() {
    Places at = places();
    return at.library.isEmpty() ? 0 : Native.cuda_device_count(at.library, at.folders);
  }

  /** Returns facts about CUDA for a problem report. */
  static List<String> describe() {
    Places at = places();
    List<String> facts = new ArrayList<>();
    facts.add("library: " + (at.library.isEmpty() ? "none; it is in " + artifact() : at.library));
    facts.addAll(lines(Native.describe_cuda(at.library, at.folders)));
    return facts;
  }
}
