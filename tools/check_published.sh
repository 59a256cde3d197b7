#!/usr/bin/env bash
# Uses the library as a user does: deploys what is published into a folder, and lets a program outside the project
# (tools/published) take it from there, first from its jars, then packed into one jar by a plain maven-shade-plugin.
# The program has a local repository of its own, build/published/local, in which nothing of the project lies beforehand.
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
  $deployed == *" chainrule-platform-gpu "* ]] || fail "expected the library, its parent, the platform and the four of visual."
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

# What each artifact costs beside the library.
size() { cat "$@" | wc -c | awk '{ printf "%.1f MB", $1 / 1e6 }'; }
cd "$built/dependencies"
echo "check_published.sh: chainrule-visual with all it brings is" \
  "$(size chainrule-visual*.jar progressbar*.jar jline*.jar xchart*.jar VectorGraphics2D*.jar), drawings alone" \
  "$(size chainrule-visual-drawings*.jar chainrule-visual-layout*.jar), progress alone $(size chainrule-visual-progress*.jar progressbar*.jar jline*.jar)"
unknown=$(printf '%s\n' *.jar | grep -vE '^(chainrule|javacpp|openblas|progressbar|jline|xchart|VectorGraphics2D|animated-gif)' || true)
[[ -z $unknown ]] || fail "these come too, which nothing says: $unknown"
