#!/usr/bin/env bash
# Builds the Javadoc of all published modules into the folder build/javadoc. A warning is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mvn -q -B -f reactor/pom.xml -pl ..,../visual/progress,../visual/layout,../visual/drawings,../visual -am \
  -DskipTests -Dmaven.javadoc.skip=true -Dmaven.source.skip=true \
  package dependency:build-classpath -Dmdep.outputFile=target/javadoc-classpath.txt
modules=(. visual/progress visual/drawings visual)
sources='' classes=target/classes
for module in "${modules[@]}"; do
  sources+=:$module/src/main/java
  classes+=:$(cat "$module/target/javadoc-classpath.txt")
done
rm -rf build/javadoc
"${JAVA_HOME:+$JAVA_HOME/bin/}javadoc" -quiet -Xdoclint:all -Werror -notimestamp -encoding UTF-8 -windowtitle Chainrule \
  -sourcepath "${sources#:}" -classpath "$classes" -subpackages org.chainrule -exclude org.chainrule.presets:org.chainrule.binding \
  -d build/javadoc
echo "javadoc.sh: build/javadoc/index.html"
