#!/usr/bin/env bash
# Uses the library as a user does: deploys the published artifacts to a folder, and builds and runs a program outside the
# project (tools/published) with them, first from the jars, then packed into one jar by a plain maven-shade-plugin.
# The program uses a separate local repository, build/published/local, which contains nothing of the project before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$PWD/build/published
repository=$work/repository
fail() { echo "check_published.sh: $*" >&2; exit 1; }
maven=(mvn -q -B --no-transfer-progress)

rm -rf "$repository" "$work/local/org/chainrule" "$work/program"
mkdir -p "$repository"
"${maven[@]}" -f reactor/pom.xml -DskipTests "-DaltDeploymentRepository=published::file://$repository" deploy
deployed=$(cd "$repository/org/chainrule" && printf '%s ' *)
echo "check_published.sh: deployed $deployed"
[[ $deployed == "chainrule chainrule-parent chainrule-platform chainrule-visual chainrule-visual-drawings chainrule-visual-layout chainrule-visual-progress " ||
  $deployed == *" chainrule-platform-gpu "* ]] || fail "expected the library, its parent, the platform and the four modules of visual."
for artifact in ${deployed/chainrule-parent/}; do
  for kind in -sources.jar -javadoc.jar; do
    compgen -G "$repository/org/chainrule/$artifact/*/*$kind" >/dev/null || fail "$artifact has no $kind."
  done
done

cp -r tools/published "$work/program"
version=$(sed -n 's:.*<version>\(.*\)</version>.*:\1:p' parent/pom.xml | head -n 1)
"${maven[@]}" -f "$work/program/pom.xml" "-Dmaven.repo.local=$work/local" "-Dpublished=file://$repository" \
  "-Dchainrule.version=$version" package
built=$work/program/target
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
run() { "$java" -Djava.awt.headless=true -classpath "$1" example.Example "$built/page.html"; }
echo "check_published.sh: from jars"
run "$built/classes:$built/dependencies/*"
echo "check_published.sh: from one jar"
run "$built/example-1-shaded.jar"

# The size that each artifact adds to the library.
size() { cat "$@" | wc -c | awk '{ printf "%.1f MB", $1 / 1e6 }'; }
cd "$built/dependencies"
echo "check_published.sh: chainrule-visual with its dependencies has" \
  "$(size chainrule-visual*.jar progressbar*.jar jline*.jar xchart*.jar VectorGraphics2D*.jar), drawings only" \
  "$(size chainrule-visual-drawings*.jar chainrule-visual-layout*.jar), progress only $(size chainrule-visual-progress*.jar progressbar*.jar jline*.jar)"
unknown=$(printf '%s\n' *.jar | grep -vE '^(chainrule|javacpp|openblas|progressbar|jline|xchart|VectorGraphics2D|animated-gif)' || true)
[[ -z $unknown ]] || fail "there are unexpected dependencies: $unknown"
