#!/usr/bin/env bash
# Checks that run.sh and jobs.py distinguish passed, failed, crashed, hanging and skipped tests, that no test stops another,
# and that a run respects its time limit and its number of files. Small scripts replace the tests, the probe and the
# sanitizer. Takes half a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/lib"
touch "$work/lib/libchainrule_cuda.so"

cat >"$work/bin/chainrule_cuda_test" <<'TEST'
#!/usr/bin/env bash
pass() { echo "1 passed, 0 failed"; exit 0; }
if [[ $1 == --list ]]; then
  printf '%s\n' fails passes hangs hangs_with_child crashes is_skipped ends_early fails_in_graphs
  cat "$(dirname "$0")/more" 2>/dev/null || true
  exit 0
fi
case $2 in
  fails) echo "x.cpp:1: a == b" >&2; echo "0 passed, 1 failed"; exit 1 ;;
  hangs) sleep 1000 ;;
  hangs_with_child) sleep 1000 & sleep 1000 ;;
  crashes) kill -SEGV $$ ;;
  is_skipped) echo "SKIPPED is_skipped: no CUDA device"; echo "0 passed, 0 failed, 1 SKIPPED"; exit 0 ;;
  ends_early) exit 0 ;;
  fails_in_graphs) [[ ${CHAINRULE_CUDA_GRAPHS:-1} == 0 ]] && pass; echo "0 passed, 1 failed"; exit 1 ;;
  cuda_trainings*) [[ ${CHAINRULE_CUDA_GRAPHS:-1} == 0 && ${CHAINRULE_CUDA_POOL:-1} == 0 ]] && pass; exit 1 ;;
  cuda_every_loss*) echo "wrong" >&2; exit 1 ;;
  *) pass ;;
esac
TEST
printf '#!/usr/bin/env bash\necho a_core_test\n[[ ${1:-} == --list ]] || echo "3 passed, 0 failed"\n' >"$work/bin/chainrule_test"
printf '#!/usr/bin/env bash\n[[ ${1:-} != nothing ]] || exit 2\necho "graph: works"\n' >"$work/bin/probe"
printf '#!/usr/bin/env bash\n' >"$work/bin/benchmark"
cat >"$work/sanitizer" <<'SANITIZER'
#!/usr/bin/env bash
# Called like compute-sanitizer: options, then a program and its arguments.
if [[ $1 == --help ]]; then echo "  --kernel-name arg"; exit 0; fi
[[ $1 == --tool && $3 == --kernel-name && $4 == kns=chainrule && $7 == --error-exitcode ]] || exit 64
tool=$2 code=$8; shift 8
if [[ ${3:-} == cuda_runs_from* ]]; then sleep 1000; fi
if [[ $1 == */probe ]]; then echo "========= Invalid __global__ write of size 4 bytes"; exit "$code"; fi
"$@"; status=$?
if [[ $tool == initcheck ]]; then echo "========= ERROR SUMMARY: 2 errors"; exit "$code"; fi
if [[ $tool == racecheck ]]; then echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"; exit $status; fi
echo "========= ERROR SUMMARY: 0 errors"; exit $status
SANITIZER
chmod +x "$work"/bin/* "$work/sanitizer"

# expect FILE PATTERN...: fails unless a line of the file begins with the pattern.
expect() {
  local file=$1; shift
  if ! grep -qE "^$*" "$file"; then
    echo "check_run.sh: expected a line '$*' in ${file##*/}, got:" >&2
    cat "$file" >&2
    exit 1
  fi
}

status=0
python3 tools/gpu/jobs.py tests "$work/bin/chainrule_cuda_test" --also "$work/bin/chainrule_test" --limit 2 --jobs 8 \
  >"$work/tests.txt" || status=$?
((status == 1)) || { echo "check_run.sh: expected jobs.py tests to end with 1, got $status." >&2; exit 1; }
expect "$work/tests.txt" 'PASSED +passes'
expect "$work/tests.txt" 'PASSED +chainrule_test'
expect "$work/tests.txt" 'FAILED +fails; without graphs FAILED'
expect "$work/tests.txt" '    x.cpp:1: a == b'
expect "$work/tests.txt" 'TIMED OUT hangs; without graphs TIMED OUT'
expect "$work/tests.txt" 'TIMED OUT hangs_with_child; without graphs TIMED OUT'
expect "$work/tests.txt" 'CRASHED +crashes; without graphs CRASHED'
expect "$work/tests.txt" 'SKIPPED +is_skipped$'
expect "$work/tests.txt" 'FAILED +ends_early; without graphs FAILED'
expect "$work/tests.txt" 'FAILED +fails_in_graphs; without graphs PASSED'
expect "$work/tests.txt" '2 PASSED, 3 FAILED, 1 CRASHED, 2 TIMED OUT, 1 SKIPPED$'

status=0
python3 tools/gpu/jobs.py sanitizers "$work/bin/chainrule_cuda_test" --sanitizer "$work/sanitizer" --probe "$work/bin/probe" \
  --limit 2 --jobs 8 >"$work/sanitizers.txt" || status=$?
((status == 1)) || { echo "check_run.sh: expected jobs.py sanitizers to end with 1, got $status." >&2; exit 1; }
expect "$work/sanitizers.txt" 'TIMED OUT memcheck cuda_runs_from'
expect "$work/sanitizers.txt" 'PASSED +memcheck cuda_gradients'
expect "$work/sanitizers.txt" 'PASSED +racecheck cuda_trainings'
expect "$work/sanitizers.txt" 'FAILED +racecheck cuda_every_loss'
expect "$work/sanitizers.txt" 'FAILED +initcheck cuda_steps'
expect "$work/sanitizers.txt" 'PASSED +memcheck finds the probe'

# The tests would take far longer than the run's time limit. The run must list the tests that it did not start and end in
# time.
printf 'hangs\n%.0s' {1..20} >"$work/bin/more"
begin=$SECONDS status=0
CUBLAS_PATH=/none COMPUTE_SANITIZER=$work/sanitizer bash tools/gpu/run.sh first --seconds 20 --binaries "$work" --output "$work/out" \
  --only probe --only tests --only sanitizers >"$work/run.txt" 2>&1 || status=$?
((status == 1 && SECONDS - begin <= 26)) ||
  { echo "check_run.sh: expected run.sh to end with 1 in 20 s, got $status in $((SECONDS - begin)) s." >&2; exit 1; }
expect "$work/out/summary.txt" 'passed +probe'
expect "$work/out/summary.txt" 'FAILED +tests with 1'
expect "$work/out/summary.txt" 'NOT RUN +sanitizers'
expect "$work/out/probe.txt" 'graph: works'
expect "$work/out/tests.txt" 'PASSED +passes'
expect "$work/out/tests.txt" 'TIMED OUT hangs'
expect "$work/out/tests.txt" 'NOT RUN +hangs'
files=$(ls "$work/out")
if (($(wc -l <<<"$files") > 7)) || grep -q '[^A-Za-z0-9._-]' <<<"$files"; then
  echo "check_run.sh: expected at most 7 files with plain names, got: $files" >&2
  exit 1
fi
echo "check_run.sh: run.sh and jobs.py report the expected results"
