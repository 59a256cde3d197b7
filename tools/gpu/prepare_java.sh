#!/usr/bin/env bash
# Creates a folder for a machine with a GPU but without a JDK. It contains a reduced Java runtime, the jars, and run.sh, which
# runs the digits sample and the JUnit tests of devices on the first CUDA device. It has at most 55 MiB, so that the tree and
# the folder together have less than 64 MiB.
#   bash tools/gpu/prepare_java.sh [folder]   creates the folder, build/gpu-java by default. Needs the JDK, Maven, nvcc and
#                                             cuBLAS, as the build does.
#   bash <folder>/run.sh [output]             runs on the other machine and writes results to the output folder, <folder>/out
#                                             by default. Uses PyTorch's cuBLAS unless CUBLAS_PATH names another folder.
#                                             Without a CUDA device it prints a message and uses the CPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(realpath -m "${1:-build/gpu-java}")
max_mib=55
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
# The second program of the digits sample and the tests start JVMs with their own class path, so all jars are in one folder.
cp build/gpu-java-jars/*.jar "$folder/lib/"
# The sample and the tests do not draw curves.
rm -f "$folder"/lib/{xchart,VectorGraphics2D}*.jar
cp target/chainrule-*-SNAPSHOT.jar target/chainrule-*-linux-x86_64.jar target/chainrule-*-linux-x86_64-gpu.jar \
  visual/progress/target/chainrule-visual-progress-*-SNAPSHOT.jar samples/target/chainrule-samples-*-SNAPSHOT.jar "$folder/lib/"
(cd target/test-classes && jar --create --file "$folder/lib/chainrule-tests.jar" org)
# Half of OpenBLAS's jar is only needed by its own Java binding and is removed.
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
# Runs the digits sample and then the JUnit tests on the first CUDA device. A failure of one does not stop the other. Writes
# to out/ or to the given folder.
set -uo pipefail
out=$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")/out}")
mkdir -p "$out"
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
if [[ -z ${CUBLAS_PATH:-} ]]; then
  CUBLAS_PATH=$(python3 -c 'import nvidia.cu13 as cuda; print(list(cuda.__path__)[0])' 2>/dev/null)
  if [[ -n $CUBLAS_PATH ]]; then export CUBLAS_PATH; else unset CUBLAS_PATH; fi
fi
class_path=$(printf '%s:' lib/*.jar)
class_path=${class_path%:}
java=(timeout -k 3 100 java/bin/java -Xmx512m "-Dorg.bytedeco.javacpp.cachedir=$PWD/cache" -cp "$class_path")
failed=0
"${java[@]}" org.chainrule.samples.Digits "$out/digits.safetensors" cuda 2>&1 | tee "$out/digits.txt" || failed=1
"${java[@]}" org.junit.platform.console.ConsoleLauncher execute --details=tree --disable-banner \
  --select-class=org.chainrule.DeviceTest --select-class=org.chainrule.DeviceTrainingTest \
  --select-class=org.chainrule.RefusalTest 2>&1 | tee "$out/tests.txt" || failed=1
exit $failed
RUN

mib=$(($(du -sk "$folder" | cut -f1) / 1024))
du -sk "$folder"/* "$folder"/lib/* | sort -n | tail -n 8
if ((mib > max_mib)); then echo "prepare_java.sh: expected at most $max_mib MiB in $folder, got $mib MiB." >&2; exit 1; fi
echo "prepare_java.sh: $folder, $mib MiB"
