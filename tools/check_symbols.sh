#!/usr/bin/env bash
# check_symbols.sh LEVEL OBJECT...: fails if an object of kernels defines a weak function outside its level's namespace.
# The linker keeps only one copy of an inline function or template that several objects instantiate, namely the first one
# that it reads. If this is the copy compiled for AVX-512, every caller crashes on an older processor.
set -euo pipefail
level=${1:?}; shift
(($# > 0)) || { echo "check_symbols.sh: expected the objects of level $level, got none." >&2; exit 1; }
bad=0
for object in "$@"; do
  # W, V, u: weak, weak object, unique. DW.ref.* are pointers of the exception tables; they are equal at every level.
  found=$("${NM:-nm}" --defined-only "$object" |
    awk -v level="$level" '$2 ~ /^[WVu]$/ && $3 !~ /^DW\.ref\./ && index($3, level) == 0 { print $3 }')
  if [[ -n $found ]]; then
    bad=1
    echo "check_symbols.sh: $object shares these symbols with other levels:" >&2
    c++filt <<<"$found" | sed 's/^/  /' >&2
  fi
done
if ((bad)); then
  echo "check_symbols.sh: move them into the namespace CHAINRULE_ISA, or make them static or always inlined." >&2
  exit 1
fi
