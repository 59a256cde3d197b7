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
 * Finds the second native library, which is in a jar of its own, and cuBLAS: in a jar of the CUDA
 * presets if the class path has one with it, then in the folders that {@code CUDA_PATH} and {@code
 * CUBLAS_PATH} name, then where the system has it. The core opens what is found.
 */
final class Cuda {
  private static final String LIBRARY = "libchainrule_cuda.so";

  /** What the library needs of CUDA. */
  private static final String CUBLAS = "libcublasLt.so.13";

  /** Where things are: the library's file, or an empty text, and folders joined by colons. */
  private record Places(String library, String folders) {}

  private static Places places;

  private Cuda() {}

  /** The resource as a file, or an empty text if the class path does not have it. */
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

  /** Looked for once a process. */
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

  /** The artifact that has the library. */
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
   * Opens a device, once a process for the same arguments.
   *
   * @param tuning the path of a tuning file, or an empty text
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
              + " is not among the dependencies (org.chainrule:chainrule-platform-gpu brings it)");
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

  /** Facts for a report of a problem. */
  static List<String> describe() {
    Places at = places();
    List<String> facts = new ArrayList<>();
    facts.add(
        "library: " + (at.library.isEmpty() ? "none; " + artifact() + " has it" : at.library));
    facts.addAll(lines(Native.describe_cuda(at.library, at.folders)));
    return facts;
  }
}
