#!/usr/bin/env bash
# check_jni.sh LOG REPORTS -Dtest=PATTERN: fails if the JVM that ran with -Xcheck:jni wrote a warning to LOG.
set -euo pipefail
log=$1 reports=$2 pattern=${3#-Dtest=}
if [[ ! -f $log ]] || ! compgen -G "$reports/TEST-*.xml" >/dev/null; then
  # the tests selected with -Dtest=… may all lack that tag
  if [[ -n $pattern && $pattern != '${test}' ]]; then exit 0; fi
  echo "check_jni.sh: no test ran under -Xcheck:jni: tag at least one test with @Tag(\"checkjni\")." >&2
  exit 1
fi
found=$(grep -nE -A 12 'WARNING in native method|FATAL ERROR in native method|^WARNING: JNI' "$log" || true)
if [[ -n $found ]]; then
  head -n 60 <<<"$found" >&2
  echo "check_jni.sh: wrong use of JNI (see above and $log)." >&2
  exit 1
fi
echo "check_jni.sh: no warning from -Xcheck:jni"
