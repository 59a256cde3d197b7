#!/usr/bin/env bash
# Sets the version of all modules and of the pages that name it. Usage: tools/set_version.sh VERSION
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ ${1:-} =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.]+)?$ && $# == 1 ]] ||
  { echo "set_version.sh: expected a version such as 0.1.0 or 0.2.0-SNAPSHOT, but got '$*'." >&2; exit 2; }
old=$(sed -n 's:.*<version>\(.*\)</version>.*:\1:p' parent/pom.xml | head -n 1)
mapfile -t files < <(git ls-files '*pom.xml' README.md docs/getting-started.md docs/gpu.md | xargs grep -lF "$old")
for file in "${files[@]}"; do
  sed -i "s:<version>${old//./\\.}</version>:<version>$1</version>:; s/\(chainrule-platform[^0-9]*\)${old//./\\.}/\1$1/" "$file"
done
echo "set_version.sh: $old is now $1 in ${#files[@]} files"
