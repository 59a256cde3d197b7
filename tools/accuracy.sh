#!/usr/bin/env bash
# Measures the accuracy of every operation and optimizer and prints the table of docs/accuracy.md. Builds the C++ tests first.
# The unary operations are measured for all floats, on all cores. Usage: tools/accuracy.sh [sampled]
#   sampled   measures what the tests measure, in seconds
# Environment: as for cppbuild.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  '') command=--accuracy ;;
  sampled) command=--accuracy_sampled ;;
  *) echo "accuracy.sh: expected no argument or 'sampled', but got '$1'." >&2; exit 1 ;;
esac
out=cppbuild/${PLATFORM:-linux-x86_64}
bash cppbuild.sh test-build >&2
openblas=$(dirname "$(readlink -f "$out/lib/libopenblas_nolapack.so")")
LD_LIBRARY_PATH=$openblas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$out/bin/chainrule_test" "$command"
