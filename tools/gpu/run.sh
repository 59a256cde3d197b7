#!/usr/bin/env bash
# What a machine with a GPU is for, in one command: builds the core, the CUDA engine and their tests there, runs the tests,
# also under compute-sanitizer, and measures training steps beside PyTorch. Needs bash, g++, nvcc 13, cuBLAS 13 and Python
# with PyTorch; no JDK, no Maven, no network.
#   bash tools/gpu/run.sh [--device cpu] [--only build|test|sanitize|measure]... [-- options of compare.py]
#   bash tools/gpu/run.sh --only measure -- --precision tf32 --workloads wide,huge
#   bash tools/gpu/run.sh --only measure -- --tuning build/gpu/products.txt    (products chosen by timing, kept there)
# Results: build/gpu/results-<precision>.md and .json, and the tests' output beside them.
# Environment: CUDA_PATH, CUBLAS_PATH (see cppbuild.sh), PYTHON, CUDA_ARCHITECTURES (else the GPU's own), and BUILD_PATH with
# OpenBLAS's headers and library. Without it the core is linked with tools/gpu/cblas, products by their definition: the
# processor then only gives the results that the GPU's are compared with.
# --device cpu measures the processor instead, to see that the script works: no nvcc, no sanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { echo "run.sh: $*"; }
die() { echo "run.sh: $*" >&2; exit 1; }

device=cuda
stages=()
while (($#)); do
  case $1 in
    --device) device=${2:?}; shift 2 ;;
    --only) stages+=("${2:?}"); shift 2 ;;
    --) shift; break ;;
    *) die "unknown option '$1': use --device, --only, or -- before the options of compare.py." ;;
  esac
done
if ((${#stages[@]} == 0)); then stages=(build test sanitize measure); fi
wanted() { [[ " ${stages[*]} " == *" $1 "* ]]; }
case $device in cuda | cpu) ;; *) die "--device is cuda or cpu, not '$device'." ;; esac

PYTHON=${PYTHON:-python3}
PLATFORM=${PLATFORM:-linux-x86_64}
CXX=${CXX:-g++}
OUT=build/gpu
BUILT=cppbuild/$PLATFORM
mkdir -p "$OUT"

# Where the BLAS of the processor's side is.
if [[ -z ${BUILD_PATH:-} ]]; then
  blas=$PWD/$OUT/blas
  mkdir -p "$blas/include"
  cp tools/gpu/cblas/cblas.h "$blas/include/"
  if [[ ! -f $blas/libopenblas.so.0 || tools/gpu/cblas/cblas.cpp -nt $blas/libopenblas.so.0 ]]; then
    "$CXX" -O3 -shared -fPIC -Wl,-soname,libopenblas.so.0 -Itools/gpu/cblas -o "$blas/libopenblas.so.0" tools/gpu/cblas/cblas.cpp
  fi
  export BUILD_PATH=$blas
  say "no BUILD_PATH: the core is linked with tools/gpu/cblas"
fi
export LD_LIBRARY_PATH=$BUILD_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

library='' folders=''
if [[ $device == cuda ]]; then
  # PyTorch has cuBLAS in a folder of its own, if the toolkit does not.
  if [[ -z ${CUBLAS_PATH:-} ]]; then
    CUBLAS_PATH=$("$PYTHON" -c 'import nvidia.cu13 as cuda; print(list(cuda.__path__)[0])' 2>/dev/null || true)
    [[ -z $CUBLAS_PATH ]] || export CUBLAS_PATH
  fi
  for folder in ${CUBLAS_PATH:+"$CUBLAS_PATH/lib" "$CUBLAS_PATH/lib64"} "${CUDA_PATH:-/usr/local/cuda}/lib64"; do
    if [[ -d $folder ]]; then folders+=${folders:+:}$folder; fi
  done
  library=$PWD/$BUILT/lib/libchainrule_cuda.so
  export LD_LIBRARY_PATH=$folders:$LD_LIBRARY_PATH
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv | tee "$OUT/gpu.csv"
    if [[ -z ${CUDA_ARCHITECTURES:-} ]]; then
      CUDA_ARCHITECTURES=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | tr -d . | sort -un | tr '\n' ' ')
      export CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES% }
    fi
  else
    say "nvidia-smi is missing: the engine is built for all architectures"
  fi
fi

if wanted build; then
  if [[ $device == cuda ]]; then bash cppbuild.sh cuda-test; else bash cppbuild.sh build; fi
  "$CXX" -std=c++17 -O2 -pthread -Wall -Wextra -Isrc/main/cpp -o "$OUT/benchmark" tools/gpu/benchmark.cpp \
    "$BUILT/lib/libchainrule.a" "$BUILD_PATH/libopenblas.so.0" "-Wl,-rpath-link,$BUILD_PATH" -ldl
fi

# Passed and SKIPPED are told apart: on a GPU nothing may be skipped.
if wanted test; then
  if [[ $device == cuda ]]; then
    "$BUILT/bin/chainrule_cuda_test" 2>&1 | tee "$OUT/test.txt"
    if grep -q SKIPPED "$OUT/test.txt"; then die "tests were skipped: is there a GPU that CUDA sees?"; fi
  else
    bash cppbuild.sh test 2>&1 | tee "$OUT/test.txt"
  fi
fi

if wanted sanitize && [[ $device == cuda ]]; then
  sanitizer=$(command -v compute-sanitizer || echo "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer")
  if [[ -x $sanitizer ]]; then
    for tool in memcheck racecheck initcheck; do
      say "compute-sanitizer $tool"
      # each block by itself, so that an overrun does not end in a neighbour
      CHAINRULE_CUDA_POOL=0 "$sanitizer" --tool "$tool" --error-exitcode 1 "$BUILT/bin/chainrule_cuda_test" 2>&1 | tee "$OUT/$tool.txt"
    done
  else
    say "SKIPPED: compute-sanitizer is not here"
  fi
fi

if wanted measure; then
  precision=float32
  for ((i = 1; i < $#; ++i)); do
    if [[ ${!i} == --precision ]]; then next=$((i + 1)) precision=${!next}; fi
  done
  "$PYTHON" tools/gpu/compare.py --device "$device" --benchmark "$OUT/benchmark" --library "$library" --folders "$folders" \
    --output "$OUT/results-$precision" "$@"
  say "results are in $OUT/results-$precision.md and .json"
fi
