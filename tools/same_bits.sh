#!/usr/bin/env bash
# Compares two builds of the core on this machine, bit for bit. Usage:
#   tools/same_bits.sh [--except NAME[,NAME]] [--only NAME[,NAME]] OLD NEW
# OLD and NEW are commits, which are built in a temporary folder, or checkouts that have already been built, which are used
# unchanged (target/classes, target/native). Prints one line per network of same_bits/Networks.java. The line shows whether
# losses, parameters, predictions, gradients, statistics and Jacobians are equal in float and double, with all optimizers,
# with 1 and 3 threads, and with products computed by the default choice, by the BLAS and by the tile kernel. NEW also
# resumes the training files of OLD.
# The exit status is 1 if a network differs that --except does not name. The networks of --except are printed too.
# Before that, OLD is compared with itself: two equal runs, and runs with 1 and with 3 threads.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/builds.sh"
programs=$repository/tools/same_bits

except='' only=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --except) except=$2 ;;
    --only) IFS=, read -ra only <<<"$2" ;;
    *) die "unknown option $1." ;;
  esac
  shift 2
done
[[ $# == 2 ]] || die "expected two commits or folders, OLD and NEW, but got $#."
BUILDS=$(mktemp -d)
trap 'rm -rf "$BUILDS"' EXIT

make_build old "$1"
make_build new "$2"
# Uses the first adapter that can be compiled against the build.
for name in old new; do
  chosen=''
  for adapter in "$programs"/adapters/*/; do
    if compile_for "$name" programs "$programs"/*.java "$adapter"*.java 2>"$BUILDS/$name/adapter.log"; then
      chosen=$adapter
      break
    fi
  done
  if [[ -z $chosen ]]; then cat "$BUILDS/$name/adapter.log" >&2; die "no adapter in $programs can be compiled against the $name build."; fi
done

# compute NAME WAY THREADS PRODUCTS FILES: computes the numbers of a build, which also resumes the training files in FILES.
compute() {
  mkdir -p "$BUILDS/files/$1"
  run_on "${1%-*}" programs "-Dorg.chainrule.products=$4" SameBits "$3" "$BUILDS/$1-$2" "$BUILDS/files/$1/$2" "$5" \
    ${only[@]+"${only[@]}"} >>"$BUILDS/${1%-*}/messages"
}

ways=(threads-1 1 auto threads-3 3 auto blas 2 blas own 2 own)
pairs=()
for ((i = 0; i < ${#ways[@]}; i += 3)); do
  way=${ways[i]}
  compute old-1 "$way" "${ways[@]:i + 1:2}" "$BUILDS/files/old-1/$way"
  compute new-1 "$way" "${ways[@]:i + 1:2}" "$BUILDS/files/old-1/$way"
  pairs+=("$way" "$BUILDS/old-1-$way" "$BUILDS/new-1-$way")
done
compute old-2 threads-1 1 auto "$BUILDS/files/old-2/threads-1"
for name in old new; do sort -u "$BUILDS/$name/messages" | sed "s/^/$name: /"; done

echo
echo "OLD and itself:"
run_on old programs Compare '' twice "$BUILDS/old-1-threads-1" "$BUILDS/old-2-threads-1" \
  '1 and 3 threads' "$BUILDS/old-1-threads-1" "$BUILDS/old-1-threads-3" || die "the results of OLD are not reproducible."
echo
echo "OLD and NEW:"
run_on old programs Compare "$except" "${pairs[@]}" || die "OLD and NEW differ."
