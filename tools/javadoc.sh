#!/usr/bin/env bash
# Builds the Javadoc of all published modules into the folder build/javadoc. A warning is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rm -rf build/javadoc
mvn -q -B -f reactor/pom.xml -DskipTests -pl ..,../visual/progress,../visual/layout,../visual/drawings,../visual -am \
  -Dmaven.javadoc.skip=false package javadoc:aggregate -Dmaven.javadoc.failOnWarnings=true
mkdir -p build
mv reactor/target/reports/apidocs build/javadoc
echo "javadoc.sh: build/javadoc/index.html"
