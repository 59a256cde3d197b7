#!/usr/bin/env bash
# check_native.sh FILE: checks that a shipped library can be loaded on other machines and contains nothing about the build
# machine.
set -euo pipefail
file=$1
name=$(basename "$file")
fail() { echo "check_native.sh: $name $*" >&2; exit 1; }

[[ -f $file ]] || fail "was not built."
dynamic=$(readelf -dW "$file")
if grep -E 'R(UN)?PATH' <<<"$dynamic"; then fail "contains library search paths (RPATH or RUNPATH)."; fi

case $name in
  libchainrule_cuda.so) own_library='libcublasLt.so.13' entries='chainrule_cuda_library' ;;
  *) own_library='libopenblas.so.0' entries='(JNI_On(Load|Unload).*|Java(CPP)?_org_(chainrule|bytedeco_javacpp)_.*)' ;;
esac

needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" | sort)
while read -r library; do
  case $library in
    "$own_library" | libc.so.6 | libm.so.6 | libpthread.so.0 | libdl.so.2 | ld-linux-*.so.*) ;;
    *) fail "needs $library, which is not installed on every machine." ;;
  esac
done <<<"$needed"

exported=$(nm -D --defined-only "$file" | awk '{ print $3 }' | grep -vE "^$entries\$" || true)
if [[ -n $exported ]]; then fail "exports unexpected symbols: $(head -n 5 <<<"$exported" | tr '\n' ' ')"; fi

while read -r folder; do
  if [[ ${#folder} -gt 1 ]] && strings -a "$file" | grep -F -m 3 -- "$folder/"; then
    fail "contains this machine's path $folder."
  fi
done < <(printf '%s\n' "$PWD" "${HOME:-/}")

if readelf -SW "$file" | grep -qE ' \.(symtab|debug_info) '; then fail "is not stripped."; fi

glibc=$(readelf -VW "$file" | grep -oE 'GLIBC_[0-9.]+' | sort -Vu | tail -n 1)
echo "check_native.sh: $name is $(($(stat -c %s "$file") / 1024)) kB, needs $(tr '\n' ' ' <<<"$needed")and $glibc"
