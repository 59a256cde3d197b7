#!/usr/bin/env bash
# Compares the time of a training step of two builds of the core on this machine.
# Usage: tools/same_speed.sh [--rounds N] [--seconds S] [--threads N] [--optimizer sgd|momentum|adam] [--fit]
#          [--only NAME[,NAME]] OLD NEW
# OLD and NEW are commits, which are built in a temporary folder, or checkouts that have already been built. The workloads are
# those of benchmarks/harness. Each build is called by benchmarks/chainrule of its own commit. Each of the N rounds (15)
# measures both builds in separate processes: S seconds (1) of warm-up, then S seconds of measurement. The order of the
# builds alternates between rounds. Prints the median ratio and its 95 % confidence interval.
# The exit status is 1 if an interval is not within 0.97 to 1.03. In the workload tiny, a difference of 30 ns counts as 1 %.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/builds.sh"

rounds=15 seconds=1 threads=1 optimizer=sgd options=() workloads=(mnist-s mnist-m deep tiny)
while [[ ${1:-} == --* ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --threads) threads=$2; shift ;;
    --optimizer) optimizer=$2; shift ;;
    --only) IFS=, read -ra workloads <<<"$2"; shift ;;
    --fit) options+=(-Dchainrule.benchmark.fit=true) ;;
    *) die "unknown option $1." ;;
  esac
  shift
done
[[ $# == 2 ]] || die "expected two commits or folders, OLD and NEW, but got $#."
((rounds >= 6)) || die "expected at least 6 rounds, which a 95 % interval needs, but got $rounds."
BUILDS=$(mktemp -d)
trap 'rm -rf "$BUILDS"' EXIT

make_build old "$1"
make_build new "$2"
harness=$repository/benchmarks/harness/src/main/java/org/chainrule/benchmarks
for name in old new; do
  contender=$BUILDS/$name/source/benchmarks/chainrule/src/main
  mapfile -t sources < <(find "$contender/java" -name '*.java')
  # the other classes of the harness need JMH and are not used here
  compile_for "$name" programs -sourcepath "$contender/java" "$harness"/{Contender,Network,Workload}.java "${sources[@]}" \
    "$repository"/tools/same_speed/*.java || die "the benchmark of $name cannot be compiled."
  cp -r "$contender/resources/." "$BUILDS/$name/programs"
done

# measure NAME WORKLOAD: prints the nanoseconds per step. The BLAS uses its default settings, as it does for users.
measure() {
  (
    unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
    run_on "$1" programs ${options[@]+"${options[@]}"} Measure "$2" "$optimizer" "$threads" "$seconds"
  ) | sed -n 's/^ns //p'
}

echo "$optimizer, $threads thread(s), $rounds rounds of $seconds s"
for ((round = 0; round < rounds; ++round)); do
  for workload in "${workloads[@]}"; do
    if ((round % 2)); then
      b=$(measure new "$workload"); a=$(measure old "$workload")
    else
      a=$(measure old "$workload"); b=$(measure new "$workload")
    fi
    echo "$workload $a $b" >>"$BUILDS/times"
  done
done
sort -s -k1,1 "$BUILDS/times" >"$BUILDS/sorted"
run_on old programs Ratios "$BUILDS/sorted"
