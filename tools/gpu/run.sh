#!/usr/bin/env bash
# What a machine with a GPU is for, in two runs that keep to their time. Needs bash, Python with PyTorch, CUDA's driver, and
# the folder that tools/gpu/prepare.sh has made; no JDK, no Maven, no network. docs/gpu.md says how, command by command.
#   bash tools/gpu/run.sh first  [options]       the probe, the tests, chosen ones under compute-sanitizer, a small comparison
#   bash tools/gpu/run.sh second [options]       training steps beside PyTorch's: float32 everywhere, TF32 and bfloat16 on the
#                                                large networks
#   bash tools/gpu/run.sh measure [options] -- [options of compare.py]
# Options: --output FOLDER   at most 7 files go there, below 16 MiB (build/gpu/first, second or measure)
#          --binaries FOLDER (build/gpu-binaries); what does not start is built here first
#          --seconds N       after which nothing begins and everything ends (330, 345, 3600)
#          --only STAGE      of probe, tests, sanitizers, compare; may be given several times
#          --device cpu      the processor and an emulated device, to see that the script works; its figures mean nothing
# No stage stops another. summary.txt has how each ended; the exit status is 0 if all did what they should.
# Environment: CUDA_PATH, CUBLAS_PATH (else PyTorch's), PYTHON, COMPUTE_SANITIZER.
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
mkdir -p "$output" || die "there is no folder '$output'."
cd "$output" && rm -f summary.txt probe.txt tests.txt sanitizers.txt results-*.json results-*.md && cd "$OLDPWD" || exit 1
failed=0

say() { echo "$*" | tee -a "$output/summary.txt"; }
left() { echo $((end - $(date +%s))); }
wanted() { [[ " $stages " == *" $1 "* && (${#only[@]} == 0 || " ${only[*]} " == *" $1 "*) ]]; }

# stage NAME SECONDS FILE COMMAND...: its output goes to the file. Not through a pipe: what outlives it would hold that open.
# DEADLINE in the command becomes when it should have ended by itself.
stage() {
  local name=$1 limit=$2 file=$3 begin status now; shift 3
  begin=$(date +%s)
  if ((limit > $(left) - 3)); then limit=$(($(left) - 3)); fi
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
  # PyTorch has cuBLAS in a folder of its own, if the toolkit does not.
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

# Do the binaries start here? Each is asked for something that it does without a device.
starts() {
  "$binaries/bin/benchmark" && "$binaries/bin/chainrule_test" --list || return
  if [[ $device == cuda ]]; then
    "$binaries/bin/chainrule_cuda_test" --list && "$binaries/bin/probe" nothing
    (($? == 2)) && [[ -f $binaries/lib/libchainrule_cuda.so ]]
  fi
}
if ! why=$(starts 2>&1 >/dev/null); then
  say "the binaries in $binaries do not start, and are built here: $(tail -n 1 <<<"$why")"
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
  stage build 240 summary.txt env CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-${capability:-90}}" \
    bash tools/gpu/prepare.sh --device "$device" "$binaries"
fi

if [[ $device == cuda ]]; then
  "$binaries/bin/probe" hold >/dev/null 2>&1 </dev/null &
  held=$!
  trap 'kill -9 $held 2>/dev/null' EXIT
fi
if wanted probe; then
  if [[ $device == cuda ]]; then stage probe 20 probe.txt "$binaries/bin/probe"; else say "SKIPPED   probe: no GPU"; fi
fi
if wanted tests; then
  tests=("$binaries/bin/chainrule_test" --filter cuda_)
  if [[ $device == cuda ]]; then tests=("$binaries/bin/chainrule_cuda_test" --also "$binaries/bin/chainrule_test"); fi
  stage tests 130 tests.txt "$PYTHON" tools/gpu/jobs.py tests "${tests[@]}" --deadline DEADLINE
fi
if wanted sanitizers; then
  sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || echo "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer")}
  if [[ $device != cuda ]]; then
    say "SKIPPED   sanitizers: no GPU"
  else
    stage sanitizers 85 sanitizers.txt "$PYTHON" tools/gpu/jobs.py sanitizers "$binaries/bin/chainrule_cuda_test" \
      --sanitizer "$sanitizer" --probe "$binaries/bin/probe" --limit 75 --deadline DEADLINE
  fi
fi
if wanted compare; then
  compare=("$PYTHON" tools/gpu/compare.py --device "$device" --benchmark "$binaries/bin/benchmark" --library
    "$binaries/lib/libchainrule_cuda.so" --folders "$folders" --output "$output/results" --deadline DEADLINE)
  if [[ $device == cpu ]]; then compare+=(--threads 1); fi
  # torch-compile leaves the optimizer out of its graphs and compiles as long as torch-whole: only where there is time
  case $run in
    first) stage compare 85 summary.txt "${compare[@]}" --rounds 2 --seconds 0.1 --without torch-compile \
      --measure float32:mnist-m,fused-small "$@" ;;
    second)
      large=() # what a processor computes in float32 only, and not in a moment
      if [[ $device == cuda ]]; then large=(--measure tf32:wide,alex-fc,huge --measure bfloat16:wide,alex-fc,huge); fi
      workloads=; if [[ $device == cpu ]]; then workloads=:tiny,mnist-s,mnist-m,deep,regress; fi
      stage compare "$seconds" summary.txt "${compare[@]}" --without torch-compile --measure "float32$workloads" \
        ${large[@]+"${large[@]}"} "$@" ;;
    measure) stage compare "$seconds" summary.txt "${compare[@]}" "$@" ;;
  esac
fi

for file in "$output"/{summary,probe,tests,sanitizers}.txt; do
  if [[ -f $file && $(stat -c %s "$file") -gt 2000000 ]]; then # two million bytes of an endless message tell no more
    tail -c 1000000 "$file" >"$file.end" && mv "$file.end" "$file"
  fi
done
files=$(find "$output" -type f | wc -l)
if ((files > 7)); then say "FAILED    expected at most 7 files in $output, got $files: it had others before"; failed=1; fi
say "$files files, $(du -sk "$output" | cut -f1) KiB in $output; $(($(date +%s) - started)) s"
exit $failed
