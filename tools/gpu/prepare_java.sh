#!/usr/bin/env bash
# Makes a folder that a machine with a GPU but no JDK runs from: a trimmed Java runtime, the jars, and run.sh, which runs the
# digits sample on the first CUDA device and the JUnit tests of devices. At most 60 MiB.
#   bash tools/gpu/prepare_java.sh [folder]          (build/gpu-java; needs JDK, Maven, nvcc and cuBLAS as the build does)
#   bash <folder>/run.sh                             on the other machine; CUBLAS_PATH names cuBLAS's folder, if it is not
#                                                    where the system looks; without a CUDA device it says so and takes the CPU
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(realpath -m "${1:-build/gpu-java}")
most_mib=60
junit_console=org.junit.platform:junit-platform-console-standalone:1.14.4

rm -rf build/gpu-java-jars
mvn -q -B -f reactor/pom.xml -pl ../samples,../platform/gpu -am -Djavacpp.platform.extension=-gpu -DskipTests \
  -Dmaven.javadoc.skip -Dmaven.source.skip package \
  org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies \
  -DincludeScope=runtime -DexcludeGroupIds=org.chainrule -DoutputDirectory="$PWD/build/gpu-java-jars"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy -Dartifact="$junit_console" \
  -DoutputDirectory=build/gpu-java-jars

rm -rf "$folder"
mkdir -p "$folder/lib"
# The second program of the digits sample and the tests start JVMs with the class path of their own: all jars are in one folder.
cp build/gpu-java-jars/*.jar "$folder/lib/"
# Neither the sample nor the tests lay out drawings or draw curves.
rm -f "$folder"/lib/{xchart,VectorGraphics2D}*.jar
cp target/chainrule-*-SNAPSHOT.jar target/chainrule-*-linux-x86_64.jar target/chainrule-*-linux-x86_64-gpu.jar \
  visual/progress/target/chainrule-visual-progress-*-SNAPSHOT.jar samples/target/chainrule-samples-*-SNAPSHOT.jar "$folder/lib/"
(cd target/test-classes && jar --create --file "$folder/lib/chainrule-tests.jar" org)
# OpenBLAS's jar holds what only its own Java binding needs: half of its bytes.
python3 - "$folder"/lib/openblas-*-linux-x86_64.jar <<'PYTHON'
import os, sys, zipfile
jar = sys.argv[1]
with zipfile.ZipFile(jar) as old, zipfile.ZipFile(jar + ".new", "w", zipfile.ZIP_DEFLATED) as new:
    for entry in old.infolist():
        if not entry.filename.endswith(("/libjniopenblas.so", "/libjniopenblas_full.so", ".h")):
            new.writestr(entry, old.read(entry))
os.replace(jar + ".new", jar)
PYTHON
jlink --add-modules java.logging,java.management,jdk.unsupported --strip-debug --no-header-files --no-man-pages --compress=2 \
  --output "$folder/java"

cat >"$folder/run.sh" <<'RUN'
#!/usr/bin/env bash
# The digits sample, then the JUnit tests, on the first CUDA device.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
class_path=$(printf '%s:' lib/*.jar)
class_path=${class_path%:}
java=(java/bin/java -Xmx512m "-Dorg.bytedeco.javacpp.cachedir=$PWD/cache" -cp "$class_path")
mkdir -p out
"${java[@]}" org.chainrule.samples.Digits out/digits.safetensors cuda 2>&1 | tee out/digits.txt
"${java[@]}" org.junit.platform.console.ConsoleLauncher execute --details=tree --disable-banner \
  --select-class=org.chainrule.DeviceTest --select-class=org.chainrule.DeviceTrainingTest \
  --select-class=org.chainrule.RefusalTest 2>&1 | tee out/tests.txt
RUN

mib=$(($(du -sk "$folder" | cut -f1) / 1024))
du -sk "$folder"/* "$folder"/lib/* | sort -n | tail -n 8
if ((mib > most_mib)); then echo "prepare_java.sh: $folder has $mib MiB, more than $most_mib." >&2; exit 1; fi
echo "prepare_java.sh: $folder, $mib MiB"
