#!/usr/bin/env bash
# Runs tests and measurements on a machine with a GPU, in two runs with fixed time limits. Needs bash, Python with PyTorch,
# CUDA's driver and the folder that tools/gpu/prepare.sh creates, but no JDK, Maven or network. docs/gpu.md explains the
# commands.
#   bash tools/gpu/run.sh first  [options]       the probe, the tests, some tests under compute-sanitizer, a small comparison
#   bash tools/gpu/run.sh second [options]       a comparison of training steps with PyTorch: all workloads in float32, the
#                                                large ones also in TF32 and bfloat16
#   bash tools/gpu/run.sh measure [options] -- [options of compare.py]
# Options, with the defaults of first, second and measure:
#   --output FOLDER     gets at most 7 files with less than 16 MiB (build/gpu/first, build/gpu/second, build/gpu/measure)
#   --binaries FOLDER   build/gpu-binaries; binaries that do not start are built here first
#   --seconds N         the time limit, after which nothing starts and everything is killed (330, 345, 3600)
#   --only STAGE        probe, tests, sanitizers or compare; may be given several times
#   --device cpu        uses the CPU and an emulated device to test this script; the times are meaningless
# A failed stage does not stop the others. summary.txt lists how each stage ended. The exit status is 0 if all passed.
# Environment: CUDA_PATH, CUBLAS_PATH (PyTorch's cuBLAS by default), PYTHON, COMPUTE_SANITIZER.
set -uo pipefail
started=$(date +%s)
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

die() { echo "run.sh: $*" >&2; exit 2; }

device=cuda output='' binaries=build/gpu-binaries seconds='' only=()
run=${1:-}
case $run in
  first) seconds=330 stages="probe tests sanitizers compare" ;;
  second) seconds=345 stages=compare ;;
  measure) seconds=3600 stages=compare ;;
  *) die "expected first, second or measure, got '$run'." ;;
esac
shift
while (($#)); do
  case $1 in
    --device) device=${2:?}; shift 2 ;;
    --output) output=${2:?}; shift 2 ;;
    --binaries) binaries=${2:?}; shift 2 ;;
    --seconds) seconds=${2:?}; shift 2 ;;
    --only) only+=("${2:?}"); shift 2 ;;
    --) shift; break ;;
    *) die "unknown option '$1'." ;;
  esac
done
case $device in cuda | cpu) ;; *) die "expected --device cuda or cpu, got '$device'." ;; esac
end=$((started + seconds))
output=$(realpath -m "${output:-build/gpu/$run}")
binaries=$(realpath -m "$binaries")
PYTHON=${PYTHON:-python3}
mkdir -p "$output" || die "cannot create the folder '$output'."
cd "$output" && rm -f summary.txt probe.txt tests.txt sanitizers.txt results-*.json results-*.md && cd "$OLDPWD" || exit 1
failed=0

say() { echo "$*" | tee -a "$output/summary.txt"; }
remaining_seconds() { echo $((end - $(date +%s))); }
is_selected() { [[ " $stages " == *" $1 "* && (${#only[@]} == 0 || " ${only[*]} " == *" $1 "*) ]]; }

# stage NAME SECONDS FILE COMMAND...: runs a command and appends its output to the file. A pipe would stay open if a child
# process outlived the command. DEADLINE in the command is replaced by the time at which the command must have ended.
stage() {
  local name=$1 limit=$2 file=$3 begin status now; shift 3
  begin=$(date +%s)
  if ((limit > $(remaining_seconds) - 3)); then limit=$(($(remaining_seconds) - 3)); fi
  if ((limit < 5)); then say "NOT RUN   $name: the run's $seconds s are over"; failed=1; return; fi
  timeout -k 3 "$limit" "${@//DEADLINE/$((begin + limit - 3))}" >>"$output/$file" 2>&1
  status=$? now=$(($(date +%s) - begin))
  case $status in
    0) say "passed    $name, $now s" ;;
    124 | 137) say "TIMED OUT $name after $now s"; failed=1 ;;
    *) say "FAILED    $name with $status after $now s"; failed=1 ;;
  esac
}

say "run.sh $run on $(uname -n), $(date -u +%Y-%m-%dT%H:%M:%SZ), $(nproc) cores, $seconds s"
folders=''
export LD_LIBRARY_PATH=$binaries/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [[ $device == cuda ]]; then
  # If the toolkit has no cuBLAS, PyTorch's folder has one.
  if [[ -z ${CUBLAS_PATH:-} ]]; then
    CUBLAS_PATH=$("$PYTHON" -c 'import nvidia.cu13 as cuda; print(list(cuda.__path__)[0])' 2>/dev/null)
    if [[ -n $CUBLAS_PATH ]]; then export CUBLAS_PATH; else unset CUBLAS_PATH; fi
  fi
  if [[ -z ${CUBLAS_PATH:-} && ! -e ${CUDA_PATH:-/usr/local/cuda}/lib64/libcublasLt.so.13 ]]; then
    found=$(find "$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" /usr/local /opt /usr/lib \
      -name libcublasLt.so.13 -print -quit 2>/dev/null)
    if [[ -n $found ]]; then folders=$(dirname "$found"); fi
  fi
  for folder in ${CUBLAS_PATH:+"$CUBLAS_PATH/lib" "$CUBLAS_PATH/lib64"} "${CUDA_PATH:-/usr/local/cuda}/lib64"; do
    if [[ -d $folder ]]; then folders+=${folders:+:}$folder; fi
  done
  export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$folders
  nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv 2>&1 | tee -a "$output/summary.txt"
fi

# Succeeds if the binaries start on this machine. Each is called in a way that needs no device.
starts() {
  "$binaries/bin/benchmark" && "$binaries/bin/chainrule_test" --list || return
  if [[ $device == cuda ]]; then
    "$binaries/bin/chainrule_cuda_test" --list && "$binaries/bin/probe" nothing
    (($? == 2)) && [[ -f $binaries/lib/libchainrule_cuda.so ]]
  fi
}
if ! why=$(starts 2>&1 >/dev/null); then
  say "the binaries in $binaries do not start and are built here: $(tail -n 1 <<<"$why")"
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
  stage build 240 summary.txt env CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-${capability:-90}}" \
    bash tools/gpu/prepare.sh --device "$device" "$binaries"
fi

if [[ $device == cuda ]]; then
  "$binaries/bin/probe" hold >/dev/null 2>&1 </dev/null &
  held=$!
  trap 'kill -9 $held 2>/dev/null' EXIT
fi
if is_selected probe; then
  if [[ $device == cuda ]]; then stage probe 20 probe.txt "$binaries/bin/probe"; else say "SKIPPED   probe: no GPU"; fi
fi
if is_selected tests; then
  tests=("$binaries/bin/chainrule_test" --filter cuda_)
  if [[ $device == cuda ]]; then tests=("$binaries/bin/chainrule_cuda_test" --also "$binaries/bin/chainrule_test"); fi
  stage tests 130 tests.txt "$PYTHON" tools/gpu/jobs.py tests "${tests[@]}" --deadline DEADLINE
fi
if is_selected sanitizers; then
  sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || echo "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer")}
  if [[ $device != cuda ]]; then
    say "SKIPPED   sanitizers: no GPU"
  else
    stage sanitizers 85 sanitizers.txt "$PYTHON" tools/gpu/jobs.py sanitizers "$binaries/bin/chainrule_cuda_test" \
      --sanitizer "$sanitizer" --probe "$binaries/bin/probe" --limit 75 --deadline DEADLINE
  fi
fi
if is_selected compare; then
  compare=("$PYTHON" tools/gpu/compare.py --device "$device" --benchmark "$binaries/bin/benchmark" --library
    "$binaries/lib/libchainrule_cuda.so" --folders "$folders" --output "$output/results" --deadline DEADLINE)
  if [[ $device == cpu ]]; then compare+=(--threads 1); fi
  # torch-compile does not capture the optimizer and compiles as long as torch-whole, so only 'measure' runs it
  case $run in
    first) stage compare 85 summary.txt "${compare[@]}" --rounds 2 --seconds 0.1 --without torch-compile \
      --measure float32:mnist-m,fused-small "$@" ;;
    second)
      large=() # the CPU computes only in float32, and too slowly for these workloads
      if [[ $device == cuda ]]; then large=(--measure tf32:wide,alex-fc,huge --measure bfloat16:wide,alex-fc,huge); fi
      workloads=; if [[ $device == cpu ]]; then workloads=:tiny,mnist-s,mnist-m,deep,regress; fi
      stage compare "$seconds" summary.txt "${compare[@]}" --without torch-compile --measure "float32$workloads" \
        ${large[@]+"${large[@]}"} "$@" ;;
    measure) stage compare "$seconds" summary.txt "${compare[@]}" "$@" ;;
  esac
fi

for file in "$output"/{summary,probe,tests,sanitizers}.txt; do
  if [[ -f $file && $(stat -c %s "$file") -gt 2000000 ]]; then # the end of an endless message is enough
    tail -c 1000000 "$file" >"$file.end" && mv "$file.end" "$file"
  fi
done
files=$(find "$output" -type f | wc -l)
if ((files > 7)); then say "FAILED    expected at most 7 files in $output, got $files: the folder contains other files"; failed=1; fi
say "$files files, $(du -sk "$output" | cut -f1) KiB in $output; $(($(date +%s) - started)) s"
exit $failed
