#!/usr/bin/env bash
# Creates the folder that is copied to a machine with a GPU together with this tree, so that nothing is compiled there (see
# tools/gpu/run.sh). It contains the tests of the core and of the CUDA engine, the engine, the benchmark and the probe. The
# tree and the folder together must have less than 64 MiB.
#   bash tools/gpu/prepare.sh [--device cpu] [folder]
#     folder         build/gpu-binaries by default
#     --device cpu   builds without CUDA and nvcc
# Environment: CUDA_PATH and CUBLAS_PATH (see cppbuild.sh), and CUDA_ARCHITECTURES (90 by default, for an H100 or H200; all
# architectures if it is set and empty).
# The folder's BLAS is tools/gpu/cblas, which computes products by their definition. The results of the GPU are compared
# with its results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

max_mib=64
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

# Where Maven has not unpacked an OpenBLAS, the core is compiled with the same replacement.
if [[ -z ${BUILD_PATH:-} ]] && ! compgen -G "${JAVACPP_CACHE:-$HOME/.javacpp/cache}/openblas-*" >/dev/null; then
  export BUILD_PATH=$PWD/build/gpu-blas
  mkdir -p "$BUILD_PATH/include"
  cp -p tools/gpu/cblas/cblas.h "$BUILD_PATH/include/"
  cp "$folder/lib/libopenblas.so.0" "$BUILD_PATH/"
fi

CHAINRULE_TEST_FILTER=relu_at_zero bash cppbuild.sh test # builds everything and runs a few tests
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
  "$nvcc" -std=c++17 -O2 -Werror all-warnings -Xcompiler -Wall,-Wextra "${flags[@]}" -o "$folder/bin/probe" tools/gpu/probe/*.cu
fi

kib() { xargs -0 stat -c %s | awk '{ sum += $1 } END { print int(sum / 1024) }'; }
binaries=$(find "$folder" -type f -print0 | kib)
tree=0 # if this is not a repository, the tree has been copied already
if git rev-parse >/dev/null 2>&1; then tree=$(git ls-files -z --cached --others --exclude-standard | kib); fi
glibc=$(find "$folder" -type f -exec objdump -T {} + | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
ls -l "$folder"/*
echo "prepare.sh: $folder has $binaries KiB, the tree $tree KiB; the binaries need $glibc"
if ((binaries + tree >= max_mib * 1024)); then
  echo "prepare.sh: expected less than $max_mib MiB in total, got $(((binaries + tree) / 1024))." >&2
  exit 1
fi
