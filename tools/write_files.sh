#!/usr/bin/env bash
# Writes the model and training files that tests load (src/test/resources/org/chainrule/files) with the code of a commit, and
# the results that this commit computes with them. Usage: tools/write_files.sh COMMIT FOLDER
# COMMIT is a commit or a checkout that has already been built.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/builds.sh"
[[ $# == 2 ]] || die "expected a commit and a folder, but got $# arguments."
BUILDS=$(mktemp -d)
trap 'rm -rf "$BUILDS"' EXIT
make_build writer "$1"
programs=$repository/tools/same_bits
compile_for writer programs "$programs"/{Network,Networks,WriteFiles}.java
run_on writer programs WriteFiles "$2"
