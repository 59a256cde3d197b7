#!/usr/bin/env bash
# Builds the C++ core for one platform into cppbuild/<platform>/ with CMake. Usage: bash cppbuild.sh [command]
#   build        lib/libchainrule.a (the default command) and compile_commands.json
#   test         build, then compiles and runs the C++ tests (CHAINRULE_TEST_FILTER=TEXT: only tests with TEXT in their name)
#   test-build   as test, but does not run the tests
#   cuda         lib/libchainrule_cuda.so, the CUDA engine; checks that no kernel spills registers
#   cuda-test    cuda, then bin/chainrule_cuda_test, the tests of the CUDA engine, which need a GPU
#   sanitize     runs the tests with the address and undefined sanitizers, then the tests of threads with the thread sanitizer
#   format       fails if clang-format would change a file; format-fix formats the files
#   clean        removes cppbuild/<platform>
# Environment: PLATFORM, CXX, STRICT=1 (warnings are errors), JOBS and BUILD_PATH, which contains OpenBLAS's folder. Maven
# sets BUILD_PATH; a manual build finds the folder that Maven has unpacked before. For CUDA: CUDA_PATH (with bin/nvcc),
# CUBLAS_PATH (with include and lib) and CUDA_ARCHITECTURES (only that of your GPU, which compiles faster).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

PLATFORM=${PLATFORM:-linux-x86_64}
OUT=cppbuild/$PLATFORM
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} # ccache then shares its entries between checkouts

die() { echo "cppbuild.sh: $*" >&2; exit 1; }

case $PLATFORM in
  linux-x86_64) machine=x86_64 ;;
  linux-arm64) machine=aarch64 ;;
  *) die "the platform '$PLATFORM' is not supported: expected linux-x86_64 or linux-arm64." ;;
esac

# Finds CMake, make or Ninja, and the C++ compiler. For another machine type than this one, a toolchain file is used.
find_tools() {
  local cross=$PWD/cmake/$PLATFORM.cmake
  if [[ $(uname -m) == "$machine" ]]; then cross='' CXX=${CXX:-g++}; else CXX=${CXX:-$machine-linux-gnu-g++}; fi
  command -v cmake >/dev/null || die "cmake is not installed: install it, for example with 'apt-get install cmake make'."
  command -v "$CXX" >/dev/null || die "$CXX is not installed:" \
    "install a C++17 compiler, for example with 'apt-get install g++', or name one in CXX."
  if [[ -z ${CMAKE_GENERATOR:-} ]] && ! command -v make >/dev/null; then
    command -v ninja >/dev/null || die "make is not installed: install it, for example with 'apt-get install make'."
    export CMAKE_GENERATOR=Ninja
  fi
  SETTINGS=("-DCMAKE_CXX_COMPILER=$(command -v "$CXX")" "-DCHAINRULE_STRICT=${STRICT:-0}" -DCHAINRULE_CUDA=OFF
    "-DCHAINRULE_BUILD_PATH=${BUILD_PATH:-}" ${cross:+"-DCMAKE_TOOLCHAIN_FILE=$cross"})
}

# make_targets FOLDER TARGET...
make_targets() {
  local folder=$1; shift
  mkdir -p "$OUT"
  cmake -S . -B "$folder" "${SETTINGS[@]}" >"$OUT/cmake.log" 2>&1 || { cat "$OUT/cmake.log" >&2; die "CMake failed (see above)."; }
  cmake --build "$folder" --parallel "${JOBS:-$(nproc)}" --target "$@" || die "the build failed (see above)."
}

run_tests() { (cd "$1" && ctest --verbose --tests-regex '^chainrule_test$'); }

build() {
  find_tools
  echo "cppbuild.sh: core for $PLATFORM"
  make_targets "$OUT" core
  ln -sfn "$OUT/compile_commands.json" . # where editors look for it
}

cuda() {
  local architectures=${CUDA_ARCHITECTURES:-75 80 86 89 90 100 120}
  find_tools
  SETTINGS+=(-DCHAINRULE_CUDA=ON "-DCHAINRULE_CUDA_ARCHITECTURES=${architectures// /;}"
    "-DCHAINRULE_CUDA_PATH=${CUDA_PATH:-}" "-DCHAINRULE_CUBLAS_PATH=${CUBLAS_PATH:-}")
  echo "cppbuild.sh: CUDA engine for compute capabilities $architectures"
  make_targets "$OUT" chainrule_cuda "$@"
  bash tools/check_native.sh "$OUT/lib/libchainrule_cuda.so"
}

# OpenBLAS is not instrumented, so its memory accesses are not checked.
sanitize() {
  local kind
  find_tools
  for kind in address thread; do
    echo "cppbuild.sh: C++ tests under the sanitizer for $kind"
    SETTINGS+=("-DCHAINRULE_SANITIZE=$kind") # the last setting applies
    make_targets "$OUT/$kind" chainrule_test
    run_tests "$OUT/$kind"
  done
}

format() {
  local tool # other versions format slightly differently
  tool=$(command -v clang-format-14 || command -v clang-format) ||
    die "clang-format is not installed: install it, for example with 'apt-get install clang-format-14'."
  find src/main src/test \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' \) -print0 |
    xargs -0r "$tool" --style=file "$@"
}

case ${1:-build} in
  build) build ;;
  test) build; make_targets "$OUT" chainrule_test; run_tests "$OUT" ;;
  test-build) build; make_targets "$OUT" chainrule_test ;;
  cuda) cuda ;;
  cuda-test) cuda core chainrule_cuda_test
    echo "cppbuild.sh: $OUT/bin/chainrule_cuda_test needs libcublasLt.so.13 and libopenblas.so.0 on LD_LIBRARY_PATH" ;;
  sanitize) sanitize ;;
  format) format --dry-run -Werror ;;
  format-fix) format -i ;;
  clean) rm -rf "$OUT" ;;
  *) die "unknown command '$1': use build, test, test-build, cuda, cuda-test, sanitize, format, format-fix or clean." ;;
esac
