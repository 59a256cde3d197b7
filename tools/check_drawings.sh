#!/usr/bin/env bash
# Checks the drawings with the tools that users view them with: check_drawings.sh PAGE.html
# Graphviz must lay out each docs/pictures/*.dot. In headless Chromium, Mermaid must parse and render each *.mmd, the page
# must show its graphs and curves, and the browser's console must stay empty. Mermaid's version and checksum are fixed.
set -euo pipefail
page=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mermaid=12.3.0
sum=336df803d87a38b70a01e736e666c8f7601d2ce42f5e47c8fafe5d721074b9a3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "check_drawings.sh: $*" >&2
  exit 1
}

count=0
for file in docs/pictures/*.dot; do
  messages=$(dot -Tsvg "$file" -o "$work/picture.svg" 2>&1) || fail "dot cannot read $file: $messages"
  [[ -z $messages ]] || fail "dot printed a message for $file: $messages"
  count=$((count + 1))
done
[[ $count -gt 0 ]] || fail "docs/pictures contains no .dot file"
echo "check_drawings.sh: dot reads $count files"

(cd "$work" && npm pack --silent "mermaid@$mermaid" >/dev/null && tar -xzf "mermaid-$mermaid.tgz" package/dist/mermaid.min.js)
echo "$sum  $work/package/dist/mermaid.min.js" | sha256sum --check --quiet || fail "mermaid.min.js has an unexpected checksum"

# A page that runs the checks and writes the result into its own text, which Chromium prints.
node - "$work" "$page" docs/pictures/*.mmd <<'JS'
const fs = require('fs');
const [work, page, ...files] = process.argv.slice(2);
// "<" would end the script early
const json = value => JSON.stringify(value).replaceAll('<', '\\u003c');
const drawings = files.map(name => ({name, text: fs.readFileSync(name, 'utf8')}));
fs.writeFileSync(work + '/check.html', `<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="package/dist/mermaid.min.js"></script><body><div id="result">unfinished</div><script>
const drawings = ${json(drawings)};
const page = ${json(fs.readFileSync(page, 'utf8'))};
async function check() {
  mermaid.initialize({startOnLoad: false});
  for (const [i, {name, text}] of drawings.entries()) {
    await mermaid.parse(text);
    const {svg} = await mermaid.render('drawing' + i, text);
    const boxes = (text.match(/^  n[0-9]+[^ 0-9]/gm) || []).length;
    const drawn = new DOMParser().parseFromString(svg, 'text/html').querySelectorAll('g.node[id*="-n"]').length;
    if (boxes === 0 || boxes !== drawn) throw new Error(name + ': expected ' + boxes + ' nodes, but got ' + drawn + ' drawn nodes');
  }
  const shown = new DOMParser().parseFromString(page, 'text/html');
  const graphs = [...shown.querySelectorAll('figure > svg')];
  const curves = [...shown.querySelectorAll('figure > img')];
  for (const {src} of curves) {
    const image = new Image();
    image.src = src;
    await image.decode();
    if (!(image.naturalWidth > 100)) throw new Error('a chart without size');
  }
  for (const graph of graphs) {
    document.body.append(graph);
    if (!(graph.getBBox().width > 100)) throw new Error('a graph without size');
  }
  if (graphs.length === 0 || curves.length === 0) throw new Error('no graph or no curves');
  return drawings.length + ' Mermaid drawings, a page with ' + graphs.length + ' graphs and ' + curves.length + ' charts';
}
check().then(text => 'passed: ' + text, error => 'failed: ' + error)
  .then(text => { document.getElementById('result').textContent = text; });
</script>`);
JS

# Prints the final text of a page and checks that the console got no message. Chromium's sandbox is off because it needs
# rights that root does not have in a container.
browse() {
  timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/profile" \
    --enable-logging=stderr --virtual-time-budget=60000 --dump-dom "file://$1" 2>"$work/log" || fail "chromium: $(tail -5 "$work/log")"
  if grep -a 'CONSOLE' "$work/log" >&2; then fail "the browser's console has messages about $1"; fi
}

browse "$work/check.html" >"$work/dom"
result=$(grep -a -o '<div id="result">[^<]*' "$work/dom") || fail "chromium did not run the check"
[[ $result == *">passed: "* ]] || fail "${result#*>}"
echo "check_drawings.sh: ${result#*passed: }"

browse "$page" >"$work/dom"
grep -a -q '</svg>' "$work/dom" && grep -a -q '<img alt=' "$work/dom" || fail "$page shows no graph or no curves"
echo "check_drawings.sh: $page opens without a message in the console"
