# bench/scaling.py: its laws count what the program counts, its tables renew what is between the comments, its plots are SVG.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "SKIP: no python3" && exit 77; }

scaling() {
  last="bench/scaling.py $*"
  python3 "$SOURCE/bench/scaling.py" "$INKSTONE" --tiny --seconds 0 --page page.md "$@" >out 2>err </dev/null
  status=$?
}

scaling --only nosuch
expect_failure "--only nosuch"
echo "no comments" >page.md
scaling --only vocabulary
expect_status 1
expect_err "page.md: add a line <!-- scaling:begin -->"

printf 'before\n<!-- scaling:begin -->\nold\n<!-- scaling:end -->\nafter\n' >page.md
scaling
expect_status 0
cp page.md out
for text in before after "GFLOP/s" "### Vocabulary" "| 1,024 |" "](plots/scaling-writing.svg)"; do expect_out "$text"; done
! grep -q '^old$' page.md || flunk "the old table is gone"
for name in context vocabulary width depth batch threads reading writing; do
  expect_out "![$name](plots/scaling-$name.svg)"
  python3 -c 'import sys, xml.dom.minidom as x
svg = x.parse(sys.argv[1]).documentElement
sys.exit(svg.tagName != "svg" or len(svg.getElementsByTagName("polyline")) != 2)' "plots/scaling-$name.svg" || flunk "plots/scaling-$name.svg"
done

scaling --only vocabulary
expect_status 0
cp page.md out
expect_out "### Vocabulary"
! grep -q "### Width" page.md || flunk "tables of the run before are left"
[ "$(grep -c 'scaling:begin' page.md)" -eq 1 ] || flunk "the comments are there once"
finish
