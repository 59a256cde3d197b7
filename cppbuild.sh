#!/usr/bin/env bash
# Builds the C++ core for one platform into cppbuild/<platform>/. Usage: bash cppbuild.sh [command]
#   build        lib/libchainrule.a (the default command); only what changed is compiled again
#   test         build, then compile and run the C++ tests
#   sanitize     the tests once more under address+undefined, then the threaded ones under the thread sanitizer
#   format       fail where clang-format would change a file; format-fix changes it
#   clean        remove cppbuild/<platform>
# Environment: PLATFORM, CXX, STRICT=1 (warnings are errors), JOBS, and BUILD_PATH with OpenBLAS's folder in it: Maven
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
  "$CXX" "$@" -MMD -MF "$object.d" -c "$source" -o "$object" && echo "$command" >"$object.cmd"
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
      *) start "$DIR/core/$relative.o" "$source" "${flags[@]}" ;;
    esac
  done < <(sources src/main/cpp)
  finish
  rm -f "$DIR/libchainrule.a"
  ar rcsD "$DIR/libchainrule.a" "${OBJECTS[@]}"
}

# The sources of the CUDA engine that know nothing of CUDA: the tests run them on an emulated device.
portable_cuda_sources() {
  sources src/main/cpp/backend/cuda | grep -vE '/(proxy|device|products)\.cpp$'
}

# build_tests DIR FLAG...: links DIR/chainrule_test with the core in the same DIR, and with the emulated CUDA engine.
build_tests() {
  DIR=$1 OBJECTS=(); shift
  local source LEVEL=''
  while read -r source; do
    start "$DIR/test/${source#src/test/cpp/}.o" "$source" "${FLAGS[@]}" "$@" -Isrc/test/cpp -isystem "$BLAS/include"
  done < <(sources src/test/cpp)
  while read -r source; do
    start "$DIR/test/${source#src/main/cpp/}.o" "$source" "${FLAGS[@]}" "$@" -ffp-contract=off
  done < <(portable_cuda_sources)
  finish
  "$CXX" -pthread "$@" -o "$DIR/chainrule_test" "${OBJECTS[@]}" "$DIR/libchainrule.a" \
    "$BLAS/libopenblas.so.0" "-Wl,-rpath-link,$BLAS" -ldl
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
  sanitize) sanitize ;;
  format) format --dry-run -Werror ;;
  format-fix) format -i ;;
  clean) rm -rf "$OUT" ;;
  *) die "unknown command '$1': use build, test, sanitize, format, format-fix or clean." ;;
esac
