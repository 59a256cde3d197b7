#!/usr/bin/env bash
# Builds the C++ core for one platform into cppbuild/<platform>/. Usage: bash cppbuild.sh [command]
#   build        lib/libchainrule.a (the default command); only what changed is compiled again
#   test         build, then compile and run the C++ tests
#   cuda         lib/libchainrule_cuda.so, the CUDA engine, and a check that no kernel spills registers
#   cuda-test    cuda, then bin/chainrule_cuda_test: the CUDA engine's tests, to be run where a GPU is
#   sanitize     the tests once more under address+undefined, then the threaded ones under the thread sanitizer
#   format       fail where clang-format would change a file; format-fix changes it
#   clean        remove cppbuild/<platform>
# Environment: PLATFORM, CXX, STRICT=1 (warnings are errors), JOBS, for CUDA CUDA_PATH (bin/nvcc), CUBLAS_PATH (include,
# lib) and CUDA_ARCHITECTURES (of one's own GPU alone: compiles faster), and BUILD_PATH with OpenBLAS's folder in it: Maven
# sets it, and a build by hand finds the folder that Maven unpacked earlier.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C # one order of files on every machine: the archive is the same bits

PLATFORM=${PLATFORM:-linux-x86_64}
CXX=${CXX:-g++}
JOBS=${JOBS:-$(nproc)}
OUT=cppbuild/$PLATFORM

die() { echo "cppbuild.sh: $*" >&2; exit 1; }

case $PLATFORM in
  linux-x86_64) LEVELS=(baseline avx2 avx512) ;;
  linux-arm64) LEVELS=(baseline) ;;
  *) die "the platform '$PLATFORM' is not supported: PLATFORM is one of linux-x86_64, linux-arm64." ;;
esac

# No fast-math: NaN and the sign of zero mean something here (see src/main/cpp/ops).
FLAGS=(-std=c++17 -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -pthread
  -Wall -Wextra "-ffile-prefix-map=$PWD=." -Isrc/main/cpp)
if [[ ${STRICT:-0} == 1 ]]; then FLAGS+=(-Werror); fi

level_flags() {
  case $1 in
    baseline) ;;
    avx2) echo -mavx2 -mfma ;;
    avx512)
      echo -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx2 -mfma -mprefer-vector-width=512 ;;
  esac
}

need_compiler() {
  command -v "$CXX" >/dev/null || die "$CXX is not installed:" \
    "install a C++17 compiler, for example with 'apt-get install g++', or name one in CXX."
}

# The folder with include/cblas.h and libopenblas.so.0 becomes BLAS.
find_openblas() {
  local folder separator=${BUILD_PATH_SEPARATOR:-:} cache=${JAVACPP_CACHE:-$HOME/.javacpp/cache} folders=()
  IFS=$separator read -ra folders <<<"${BUILD_PATH:-}"
  if [[ -f $OUT/openblas-folder ]]; then folders+=("$(<"$OUT/openblas-folder")"); fi
  folders+=("$cache"/openblas-0.3.31-1.5.13-"$PLATFORM".jar/org/bytedeco/openblas/"$PLATFORM")
  for folder in "${folders[@]}"; do
    if [[ -f $folder/include/cblas.h && -f $folder/libopenblas.so.0 ]]; then
      BLAS=$folder
      mkdir -p "$OUT" && echo "$folder" >"$OUT/openblas-folder"
      return
    fi
  done
  die "OpenBLAS's headers are not unpacked yet: run 'mvn initialize' once, or set BUILD_PATH to their folder."
}

# compile OBJECT SOURCE FLAG...: does nothing if neither the command nor any file that was read has changed.
compile() {
  local object=$1 source=$2 dependency fresh=1; shift 2
  local command="$CXX $* -c $source" dependencies=()
  if [[ -f $object && -f $object.d && -f $object.cmd && $(<"$object.cmd") == "$command" ]]; then
    read -rd '' -a dependencies < <(sed -e 's/^[^:]*://' -e 's/\\$//' "$object.d") || true
    for dependency in "${dependencies[@]}"; do
      if [[ ! -f $dependency || $dependency -nt $object ]]; then fresh=0; break; fi
    done
    if ((fresh)); then return; fi
  fi
  mkdir -p "$(dirname "$object")"
  rm -f "$object" "$object.cmd"
  echo "  $source${LEVEL:+ ($LEVEL)}"
  # nvcc reports on each kernel: kept beside the object, and shown if something is wrong
  if [[ $CXX == "${NVCC:-}" ]]; then
    "$CXX" "$@" -MMD -MF "$object.d" -c "$source" -o "$object" >"$object.log" 2>&1 || { cat "$object.log" >&2; return 1; }
  else
    "$CXX" "$@" -MMD -MF "$object.d" -c "$source" -o "$object"
  fi && echo "$command" >"$object.cmd"
}

# start OBJECT SOURCE FLAG...: compile beside the others, at most JOBS at a time.
start() {
  OBJECTS+=("$1")
  while (($(jobs -rp | wc -l) >= JOBS)); do wait -n || true; done
  { compile "$@" || touch "$DIR/failed"; } &
}

finish() {
  wait
  if [[ -f $DIR/failed ]]; then die "the compiler reported errors (see above)."; fi
}

sources() { find "$@" -name '*.cpp' | sort; }

# Machine code for these compute capabilities, and PTX of the last, which newer GPUs compile when they load it.
CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES:-75 80 86 89 90 100 120}

# The compiler becomes NVCC, cuBLAS's folders CUBLAS_INCLUDE and CUBLAS_LIBRARY (the file).
find_cuda() {
  local root=${CUDA_PATH:-} place
  if [[ -z $root ]] && command -v nvcc >/dev/null; then
    NVCC=$(command -v nvcc)
    root=$(dirname "$(dirname "$(readlink -f "$NVCC")")")
  else
    NVCC=$root/bin/nvcc
  fi
  [[ -x $NVCC ]] || die "nvcc is missing: the CUDA engine needs the CUDA 13 toolkit; set CUDA_PATH to its folder" \
    "(the one with bin/nvcc), or put nvcc on the PATH."
  CUBLAS_INCLUDE='' CUBLAS_LIBRARY=''
  for place in ${CUBLAS_PATH:+"$CUBLAS_PATH"} "$root"; do
    if [[ -z $CUBLAS_INCLUDE && -f $place/include/cublasLt.h ]]; then CUBLAS_INCLUDE=$place/include; fi
    for place in "$place"/lib/libcublasLt.so.13 "$place"/lib64/libcublasLt.so.13; do
      if [[ -z $CUBLAS_LIBRARY && -f $place ]]; then CUBLAS_LIBRARY=$place; fi
    done
  done
  [[ -n $CUBLAS_INCLUDE ]] || die "cublasLt.h is missing: set CUBLAS_PATH to the folder of cuBLAS 13 that has include/cublasLt.h."
  [[ -n $CUBLAS_LIBRARY ]] || die "libcublasLt.so.13 is missing: set CUBLAS_PATH to the folder of cuBLAS 13 that has it in lib/."
}

# build_core DIR FLAG...: every source once, the kernels once per instruction set, into DIR/libchainrule.a.
build_core() {
  DIR=$1 OBJECTS=(); shift
  local flags=("${FLAGS[@]}" "$@" -isystem "$BLAS/include") source level LEVEL='' levels=() relative
  mkdir -p "$DIR" && rm -f "$DIR/failed"
  while read -r source; do
    relative=${source#src/main/cpp/}
    case $relative in
      backend/cuda/proxy.cpp) start "$DIR/core/$relative.o" "$source" "${flags[@]}" ;;
      backend/cuda/*) ;;
      backend/cpu/kernels/*.cpp)
        for LEVEL in "${LEVELS[@]}"; do
          read -ra levels < <(level_flags "$LEVEL") || true
          start "$DIR/$LEVEL/$relative.o" "$source" "${flags[@]}" -O3 -fno-trapping-math -fno-math-errno -ffp-contract=off "-DCHAINRULE_ISA=$LEVEL" \
            ${levels[@]+"${levels[@]}"}
        done
        LEVEL='' ;;
      # done once a plan, not once a step: small rather than fast
      api/* | graph/* | plan/*) start "$DIR/core/$relative.o" "$source" "${flags[@]}" -Os ;;
      *) start "$DIR/core/$relative.o" "$source" "${flags[@]}" ;;
    esac
  done < <(sources src/main/cpp)
  finish
  rm -f "$DIR/libchainrule.a"
  ar rcsD "$DIR/libchainrule.a" "${OBJECTS[@]}"
}

# The sources of the CUDA engine that know nothing of CUDA: the tests run them on an emulated device.
portable_cuda_sources() {
  sources src/main/cpp/backend/cuda | grep -vE '/(proxy|device|blas)\.cpp$'
}

# build_tests DIR FLAG...: links DIR/chainrule_test with the core in the same DIR, and with the emulated CUDA engine.
build_tests() {
  DIR=$1 OBJECTS=(); shift
  local source LEVEL=''
  while read -r source; do
    start "$DIR/test/${source#src/test/cpp/}.o" "$source" "${FLAGS[@]}" "$@" -Isrc/test/cpp -isystem "$BLAS/include"
  done < <(sources src/test/cpp | grep -v /cuda/real/)
  while read -r source; do
    start "$DIR/test/${source#src/main/cpp/}.o" "$source" "${FLAGS[@]}" "$@" -ffp-contract=off
  done < <(portable_cuda_sources)
  finish
  "$CXX" -pthread "$@" -o "$DIR/chainrule_test" "${OBJECTS[@]}" "$DIR/libchainrule.a" \
    "$BLAS/libopenblas.so.0" "-Wl,-rpath-link,$BLAS" -ldl
}

# build_cuda: every source of the engine by nvcc into lib/libchainrule_cuda.so, which exports one function and needs
# cuBLASLt alone; the compiler's report of each kernel's registers goes to cuda/kernels.txt.
build_cuda() {
  DIR=$OUT/cuda OBJECTS=()
  local source LEVEL='' CXX=$NVCC flags architecture
  flags=(-x cu -std=c++17 -O3 --fmad=false -Xptxas -v -isystem "$CUBLAS_INCLUDE" -Isrc/main/cpp
    -Xcompiler "-fPIC,-fvisibility=hidden,-fvisibility-inlines-hidden,-Wall,-Wextra,-ffile-prefix-map=$PWD=.")
  for architecture in $CUDA_ARCHITECTURES; do
    flags+=(-gencode "arch=compute_$architecture,code=sm_$architecture")
  done
  flags+=(-gencode "arch=compute_$architecture,code=compute_$architecture")
  mkdir -p "$DIR" && rm -f "$DIR/failed"
  while read -r source; do
    start "$DIR/${source#src/main/cpp/}.o" "$source" "${flags[@]}"
  done < <(sources src/main/cpp/backend/cuda | grep -v /proxy.cpp)
  finish
  find "$DIR" -name '*.o.log' | sort | xargs cat >"$DIR/kernels.txt"
  bash tools/check_kernels.sh "$DIR/kernels.txt" $CUDA_ARCHITECTURES
  mkdir -p "$OUT/lib"
  # Templates of the standard library have their own visibility: the list of exports is the linker's business.
  echo '{ global: chainrule_cuda_library; local: *; };' >"$DIR/exports"
  "$NVCC" -shared -cudart static -o "$OUT/lib/libchainrule_cuda.so" "${OBJECTS[@]}" -Xlinker "$CUBLAS_LIBRARY" \
    -Xlinker "--version-script=$DIR/exports,--no-undefined,-s,-soname,libchainrule_cuda.so" \
    -Xcompiler -static-libstdc++,-static-libgcc
  local exported
  exported=$(nm -D --defined-only "$OUT/lib/libchainrule_cuda.so" | awk '{ print $3 }')
  [[ $exported == chainrule_cuda_library ]] || die "libchainrule_cuda.so exports more than chainrule_cuda_library: $exported"
  echo "cppbuild.sh: $OUT/lib/libchainrule_cuda.so, $(($(stat -c %s "$OUT/lib/libchainrule_cuda.so") / 1024)) kB"
}

run_tests() { LD_LIBRARY_PATH=$BLAS${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"; }

build() {
  need_compiler
  find_openblas
  echo "cppbuild.sh: core for $PLATFORM"
  build_core "$OUT/obj" -O2
  bash tools/check_symbols.sh "$OUT/obj" "${LEVELS[@]}"
  mkdir -p "$OUT/lib"
  # an unchanged archive keeps its time stamp, and nothing is linked again
  cmp -s "$OUT/obj/libchainrule.a" "$OUT/lib/libchainrule.a" || cp "$OUT/obj/libchainrule.a" "$OUT/lib/libchainrule.a"
  # the name by which JavaCPP links OpenBLAS; what is linked then needs libopenblas.so.0, its real name
  ln -sfn "$BLAS/libopenblas.so.0" "$OUT/lib/libopenblas_nolapack.so"
}

run_cpp_tests() {
  build
  echo "cppbuild.sh: C++ tests"
  build_tests "$OUT/obj" -O2
  mkdir -p "$OUT/bin" && cp "$OUT/obj/chainrule_test" "$OUT/bin/chainrule_test"
  run_tests "$OUT/bin/chainrule_test"
}

cuda() {
  find_cuda
  echo "cppbuild.sh: CUDA engine for compute capabilities $CUDA_ARCHITECTURES"
  build_cuda
}

# The engine's tests with the library itself. Here they are only built: who has no GPU sees them all SKIPPED.
cuda_test() {
  build
  cuda
  DIR=$OUT/cuda OBJECTS=()
  local source LEVEL=''
  while read -r source; do
    start "$DIR/test/${source#src/test/cpp/}.o" "$source" "${FLAGS[@]}" -O2 -Isrc/test/cpp -isystem "$BLAS/include"
  done < <(sources src/test/cpp/cuda src/test/cpp/*cases.cpp src/test/cpp/main.cpp | grep -v /cuda/emulated/)
  finish
  mkdir -p "$OUT/bin"
  "$CXX" -pthread -o "$OUT/bin/chainrule_cuda_test" "${OBJECTS[@]}" "$OUT/lib/libchainrule.a" \
    "$OUT/lib/libchainrule_cuda.so" "$BLAS/libopenblas.so.0" -ldl -Wl,--allow-shlib-undefined \
    "-Wl,-rpath,\$ORIGIN/../lib" "-Wl,-rpath-link,$BLAS"
  echo "cppbuild.sh: $OUT/bin/chainrule_cuda_test needs libcublasLt.so.13 and libopenblas.so.0 on LD_LIBRARY_PATH"
}

# OpenBLAS is not instrumented: what it does to memory by itself is taken on trust.
sanitize() {
  need_compiler
  find_openblas
  local both=(-O1 -g -fno-omit-frame-pointer)
  local address=("${both[@]}" -fsanitize=address,undefined -fno-sanitize-recover=all)
  local thread=("${both[@]}" -fsanitize=thread)
  echo "cppbuild.sh: C++ tests under the address and undefined-behaviour sanitizers"
  build_core "$OUT/asan" "${address[@]}"
  build_tests "$OUT/asan" "${address[@]}"
  run_tests env ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    "$OUT/asan/chainrule_test"
  # gcc's thread sanitizer stops at once where the kernel spreads addresses too widely
  local fixed=(); if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi
  echo "cppbuild.sh: C++ tests with 'thread' in their name under the thread sanitizer"
  build_core "$OUT/tsan" "${thread[@]}"
  build_tests "$OUT/tsan" "${thread[@]}"
  run_tests env CHAINRULE_TEST_FILTER=thread TSAN_OPTIONS="halt_on_error=1:suppressions=$PWD/tools/tsan.supp" \
    ${fixed[@]+"${fixed[@]}"} "$OUT/tsan/chainrule_test"
}

format() {
  local tool # another version formats a little differently
  tool=$(command -v clang-format-14 || command -v clang-format) ||
    die "clang-format is not installed: install it, for example with 'apt-get install clang-format-14'."
  find src/main src/test \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' \) -print0 |
    xargs -0r "$tool" --style=file "$@"
}

case ${1:-build} in
  build) build ;;
  test) run_cpp_tests ;;
  cuda) cuda ;;
  cuda-test) cuda_test ;;
  sanitize) sanitize ;;
  format) format --dry-run -Werror ;;
  format-fix) format -i ;;
  clean) rm -rf "$OUT" ;;
  *) die "unknown command '$1': use build, test, cuda, cuda-test, sanitize, format, format-fix or clean." ;;
esac
