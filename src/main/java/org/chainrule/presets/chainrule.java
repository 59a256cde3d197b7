package org.chainrule.presets;

import java.util.List;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;
import org.bytedeco.openblas.presets.openblas_nolapack;

/**
 * Configures how JavaCPP generates the package {@code org.chainrule.binding} from {@code
 * api/chainrule.h}.
 */
@Properties(
    inherit = openblas_nolapack.class,
    value =
        @Platform(
            value = "linux",
            define = "STRING_BYTES_CHARSET \"UTF-8\"",
            compiler = "cpp17",
            include = {"java_exceptions.h", "chainrule.h"},
            link = "chainrule",
            library = "jnichainrule"),
    target = "org.chainrule.binding",
    global = "org.chainrule.binding.Native")
public class chainrule implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    for (String name :
        List.of(
            "NativeColumnType",
            "NativeInitializer",
            "NativePrecision",
            "NativeProducts",
            "NativeVerdict")) {
      infoMap.put(new Info("chainrule::api::" + name).enumerate());
    }
    infoMap
        .put(new Info("java_exceptions.h").skip())
        .put(new Info("CHAINRULE_EXPORT").cppTypes().annotations())
        .put(new Info("const char").valueTypes("byte").pointerTypes("String"));
  }
}
