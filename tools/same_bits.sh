#!/usr/bin/env bash
# Compares two builds of the core on this machine, bit for bit. Usage:
#   tools/same_bits.sh [--except NAME[,NAME]] [--only NAME[,NAME]] OLD NEW
# OLD and NEW are commits, which are built in a temporary folder, or checkouts that have been built, which are taken as
# they are (target/classes, target/native). For each network of same_bits/Networks.java a line says whether losses,
# parameters, predictions, gradients, statistics and Jacobians are the same, in float and double, with all optimizers, for
# 1 and 3 threads, with the products' own choice, by the BLAS and by the tile kernel; NEW resumes the training files of OLD.
# Ends with 1 if a network differs that --except does not name; those are printed all the same.
# Before that, OLD is compared with itself: computed twice, and with 1 and with 3 threads.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/builds.sh"
programs=$repository/tools/same_bits

except='' only=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --except) except=$2 ;;
    --only) IFS=, read -ra only <<<"$2" ;;
    *) die "there is no option $1." ;;
  esac
  shift 2
done
[[ $# == 2 ]] || die "expected two commits or folders, OLD and NEW, but got $#."
BUILDS=$(mktemp -d)
trap 'rm -rf "$BUILDS"' EXIT

make_build old "$1"
make_build new "$2"
# An adapter is chosen by what it can be compiled against.
for name in old new; do
  chosen=''
  for adapter in "$programs"/adapters/*/; do
    if compile_for "$name" programs "$programs"/*.java "$adapter"*.java 2>"$BUILDS/$name/adapter.log"; then
      chosen=$adapter
      break
    fi
  done
  if [[ -z $chosen ]]; then cat "$BUILDS/$name/adapter.log" >&2; die "no adapter in $programs fits the $name build."; fi
done

# compute NAME WAY THREADS PRODUCTS FILES: the numbers of a build, which resumes the training files in FILES.
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
  '1 and 3 threads' "$BUILDS/old-1-threads-1" "$BUILDS/old-1-threads-3" || die "the bits of OLD are not determined."
echo
echo "OLD and NEW:"
run_on old programs Compare "$except" "${pairs[@]}" || die "OLD and NEW differ."
