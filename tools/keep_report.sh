#!/usr/bin/env bash
# keep_report.sh COMPILER ARGUMENT... -o OBJECT ...: runs the compiler and stores its output in OBJECT.log. Prints the output
# if the compiler fails.
set -euo pipefail
object=/dev/null
for ((i = 1; i < $#; ++i)); do
  if [[ ${!i} == -o ]]; then next=$((i + 1)) object=${!next}; fi
done
[[ $object != /dev/null ]] || exec "$@"
"$@" >"$object.log" 2>&1 || { status=$?; cat "$object.log" >&2; exit "$status"; }
