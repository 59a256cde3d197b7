# Functions for scripts that compare builds of the library's core: they build any commit and run Java on the builds.
# BUILDS is the folder of the builds. The script that sources this file creates and removes it.

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# make_build NAME WHICH: creates $BUILDS/NAME with `source`, a checkout, and `classpath`, the class path of its core.
# WHICH is a commit, which is built in $BUILDS, or a checkout that has already been built, which is used unchanged.
make_build() {
  local name=$1 which=$2 folder=$BUILDS/$1 commit
  mkdir -p "$folder"
  if [[ -d $which ]]; then
    which=$(cd "$which" && pwd)
    [[ -f $which/target/classes/org/chainrule/Graph.class ]] || die "$which is not built: target/classes is missing there."
    ln -sfn "$which" "$folder/source"
    echo "$name: the build in $which"
  else
    commit=$(git -C "$repository" rev-parse --verify --quiet "$which^{commit}") ||
      die "expected a commit or a folder with a build, but got '$which'."
    echo "$name: $(git -C "$repository" log -1 --format='%h %s' "$commit" | cut -c1-100)"
    git clone --quiet --shared --no-checkout "$repository" "$folder/source"
    git -C "$folder/source" checkout --quiet --detach "$commit"
    (cd "$folder/source" && mvn -q -B --no-transfer-progress -DskipTests process-classes) >"$folder/build.log" 2>&1 ||
      { cat "$folder/build.log" >&2; die "$which cannot be built."; }
  fi
  # only the test scope contains OpenBLAS's native library for this platform
  (cd "$folder/source" && mvn -q -B --no-transfer-progress \
    dependency:build-classpath \
    -Dmdep.includeScope=test "-Dmdep.outputFile=$folder/dependencies") >"$folder/classpath.log" 2>&1 ||
    { cat "$folder/classpath.log" >&2; die "cannot determine the class path of $which."; }
  echo "$folder/source/target/classes:$folder/source/target/native:$(<"$folder/dependencies")" >"$folder/classpath"
}

# compile_for NAME FOLDER SOURCE...: compiles Java sources against a build into $BUILDS/NAME/FOLDER.
compile_for() {
  local folder=$BUILDS/$1; shift
  local output=$folder/$1; shift
  mkdir -p "$output"
  javac -proc:none -Xlint:all,-options,-path -cp "$(<"$folder/classpath")" -d "$output" "$@"
}

# run_on NAME FOLDER ARGUMENT...: runs Java on a build, with the classes of compile_for first on the class path. Each build
# unpacks its native libraries into its own folder, because the jars of both builds have the same names.
run_on() {
  local folder=$BUILDS/$1 classes=$2; shift 2
  java -Xmx2g "-Dorg.bytedeco.javacpp.cachedir=$folder/javacpp" -cp "$folder/$classes:$(<"$folder/classpath")" "$@"
}
