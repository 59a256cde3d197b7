#!/usr/bin/env bash
# Makes the folder that goes to a machine with a GPU beside this tree, so that nothing is compiled there (tools/gpu/run.sh):
# the core's and the CUDA engine's tests, the engine, the benchmark, the probe. Tree and folder are less than 64 MiB.
#   bash tools/gpu/prepare.sh [--device cpu] [folder]          (build/gpu-binaries; --device cpu: without CUDA and nvcc)
# Environment: CUDA_PATH, CUBLAS_PATH (see cppbuild.sh), CUDA_ARCHITECTURES (90, an H100's and an H200's; set and empty: all).
# The folder's BLAS is tools/gpu/cblas, products by their definition, which give the results that the GPU's are compared with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

most_mib=64
device=cuda
if [[ ${1:-} == --device ]]; then device=${2:?}; shift 2; fi
case $device in cuda | cpu) ;; *) echo "prepare.sh: expected --device cuda or cpu, got '$device'." >&2; exit 1 ;; esac
folder=${1:-build/gpu-binaries}
CXX=${CXX:-g++}
built=cppbuild/${PLATFORM:-linux-x86_64}
export CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES-90}

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib"
"$CXX" -O3 -shared -fPIC -Wl,-soname,libopenblas.so.0 -Itools/gpu/cblas -o "$folder/lib/libopenblas.so.0" \
  tools/gpu/cblas/cblas.cpp

# Where Maven has unpacked no OpenBLAS, the core is compiled with the same stand-in.
if [[ -z ${BUILD_PATH:-} ]] && ! compgen -G "${JAVACPP_CACHE:-$HOME/.javacpp/cache}/openblas-*" >/dev/null; then
  export BUILD_PATH=$PWD/build/gpu-blas
  mkdir -p "$BUILD_PATH/include"
  cp -p tools/gpu/cblas/cblas.h "$BUILD_PATH/include/"
  cp "$folder/lib/libopenblas.so.0" "$BUILD_PATH/"
fi

CHAINRULE_TEST_FILTER=relu_at_zero bash cppbuild.sh test # builds all, and runs a few
cp "$built/bin/chainrule_test" "$folder/bin/"
"$CXX" -std=c++17 -O2 -pthread -Wall -Wextra -Isrc/main/cpp -o "$folder/bin/benchmark" tools/gpu/benchmark.cpp \
  "$built/lib/libchainrule.a" "$folder/lib/libopenblas.so.0" -ldl
if [[ $device == cuda ]]; then
  bash cppbuild.sh cuda-test
  cp "$built/bin/chainrule_cuda_test" "$folder/bin/"
  cp "$built/lib/libchainrule_cuda.so" "$folder/lib/"
  nvcc=$(command -v "${CUDA_PATH:+$CUDA_PATH/bin/}nvcc")
  flags=()
  for architecture in ${CUDA_ARCHITECTURES:-75 80 86 89 90 100 120}; do
    flags+=(-gencode "arch=compute_$architecture,code=sm_$architecture")
  done
  for root in ${CUBLAS_PATH:+"$CUBLAS_PATH"} "$(dirname "$(dirname "$(readlink -f "$nvcc")")")"; do
    for library in "$root"/lib/libcublasLt.so.13 "$root"/lib64/libcublasLt.so.13; do
      if [[ -f $library && ${flags[-1]} != "$library" ]]; then flags+=(-isystem "$root/include" -Xlinker "$library"); break 2; fi
    done
  done
  "$nvcc" -std=c++17 -O2 -Werror all-warnings -Xcompiler -Wall,-Wextra "${flags[@]}" -o "$folder/bin/probe" tools/gpu/probe.cu
fi

kib() { xargs -0 stat -c %s | awk '{ sum += $1 } END { print int(sum / 1024) }'; }
binaries=$(find "$folder" -type f -print0 | kib)
tree=0 # where this is no repository, it has travelled
if git rev-parse >/dev/null 2>&1; then tree=$(git ls-files -z --cached --others --exclude-standard | kib); fi
glibc=$(find "$folder" -type f -exec objdump -T {} + | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
ls -l "$folder"/*
echo "prepare.sh: $folder has $binaries KiB, the tree $tree KiB; the binaries need $glibc"
if ((binaries + tree >= most_mib * 1024)); then
  echo "prepare.sh: expected less than $most_mib MiB in all, got $(((binaries + tree) / 1024))." >&2
  exit 1
fi
