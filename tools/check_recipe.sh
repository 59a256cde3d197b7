#!/usr/bin/env bash
# Follows the recipe for an elementwise operation in docs/extending.md literally, on a copy of the tree: creates and edits the
# files, then runs the recipe's commands. Usage: tools/check_recipe.sh [FOLDER], the folder for the copy (build/recipe)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=${1:-build/recipe}
rm -rf "$copy"
mkdir -p "$copy"
copy=$(cd "$copy" && pwd)
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$copy"
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
"$java" tools/recipe/Recipe.java docs/extending.md "An elementwise operation" "$copy" >"$copy/commands.sh"
cd "$copy"
bash -euxo pipefail commands.sh
echo "check_recipe.sh: the recipe of docs/extending.md works"
