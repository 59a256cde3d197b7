#!/usr/bin/env bash
# check_kernels.sh "ARCHITECTURE..." REPORT...: fails if, according to the compiler's reports (ptxas -v), a kernel uses local
# memory. A kernel does so if it spills registers or indexes an array with an index that is unknown at compile time. Also
# fails if an architecture is missing from the reports.
set -euo pipefail
architectures=$1; shift
bad=0
for architecture in $architectures; do
  found=$(cat "$@" | grep -c "Compiling entry function .* for 'sm_$architecture'" || true)
  if ((found == 0)); then
    echo "check_kernels.sh: no kernel was compiled for sm_$architecture." >&2
    exit 1
  fi
done
awk '
  /Compiling entry function/ { kernel = $0; sub(/.*entry function ./, "", kernel) }
  /bytes stack frame/ {
    ++kernels
    if ($0 !~ /^ *0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads/) { print kernel ": " $0; ++bad }
  }
  /Used [0-9]+ registers/ { n = $0; sub(/.*Used /, "", n); sub(/ .*/, "", n); if (n + 0 > most) most = n + 0 }
  END {
    if (bad) exit 1
    printf "check_kernels.sh: %d kernels (all architectures), none uses local memory, at most %d registers\n", kernels, most
  }' "$@" || bad=1
if ((bad)); then
  echo "check_kernels.sh: the kernels above spill registers or use local memory." >&2
  exit 1
fi
