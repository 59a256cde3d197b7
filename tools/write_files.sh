#!/usr/bin/env bash
# Writes the model and training files that tests load (src/test/resources/org/chainrule/files), as a commit writes them,
# with what it computes. Usage: tools/write_files.sh COMMIT FOLDER, COMMIT being a checkout that has been built, or a commit.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/builds.sh"
[[ $# == 2 ]] || die "expected a commit and a folder, but got $# arguments."
BUILDS=$(mktemp -d)
trap 'rm -rf "$BUILDS"' EXIT
make_build writer "$1"
programs=$repository/tools/same_bits
compile_for writer programs "$programs"/{Network,Networks,WriteFiles}.java
run_on writer programs WriteFiles "$2"
