# The command explain: the numbers are those of `write`, the page holds them and nothing from elsewhere.
. "$(dirname "$0")/lib.sh"

# A program on stdin that looks at numbers; $1: what is wrong if it fails.
numbers() {
  if ! python3 -c '' 2>/dev/null; then
    skip_part "no python3 to see whether $1"
  else python3 - >out 2>err || flunk "$1"; fi
}

{ text_of 200; printf '春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n'; } >text
train_small m text --layers 2 --heads 2
expect_status 0

# The text, and the probabilities, of `write` with the same flags.
run write -m m "The moon" --seed 5 --max-tokens 10 --json
cp out written
run explain -m m "The moon" --seed 5 --tokens 10 --json
expect_status 0
expect_json out
cp out explained
numbers "explain and write differ" <<'END'
import json, math
e, w = json.load(open("explained")), json.load(open("written"))
new = [t for t in e["tokens"] if t.get("generated")]
assert [t["id"] for t in new] == [t["id"] for t in w["tokens"] if t["id"] >= 0], "tokens"
for a, b in zip(new, w["tokens"]):
    assert abs(math.log(a["prediction"]["probability"]) - b["logprob"]) < 1e-3, (a, b)
assert e["prompt_tokens"] == len(e["tokens"]) - len(new) and "prediction" not in e["tokens"][0]
for t in e["tokens"][1:]:
    p = t["prediction"]
    assert len(p["layers"]) == 3 and p["layers"][-1]["probability"] == p["probability"]
    assert p["layers"][-1]["best"] == [{k: a[k] for k in ("id", "text", "probability", "bytes", "special") if k in a} for a in p["alternatives"][:3]] \
        or any("part" in a or "continuation" in a for a in p["alternatives"][:3])
    taken = [a for a in p["alternatives"] if a["id"] == t["id"]]
    assert not taken or p["alternatives"].index(taken[0]) + 1 == p["rank"]
    branches = [a for a in p["alternatives"] if "continuation" in a]
    assert len(branches) == 3 and not any(a["id"] == t["id"] or len(a["continuation"]) > 8 for a in branches)
assert len(e["next"]["alternatives"]) == 8 and "probability" not in e["next"]
count = len(e["tokens"])
assert [[[len(r) for r in h] for h in l] for l in e["attention"]] == [[list(range(1, count + 1))] * 2] * 2
assert all(abs(sum(r) - 1) < 1e-4 for l in e["attention"] for h in l for r in h)
END

# Bytes of characters: a token that divides one has the whole and its part.
run explain -m m "夜来<b>" --tokens 0 --branches 0 --json
cp out explained
numbers "tokens of a divided character" <<'END'
import json
e = json.load(open("explained"))
assert [(t["text"], t.get("bytes"), t.get("part")) for t in e["tokens"] if not t.get("special")][:4] == [
    ("夜", "e5", [1, 3]), ("夜", "a4", [2, 3]), ("夜", "9c", [3, 3]), ("来", "e6", [1, 3])]
assert not any(t.get("generated") for t in e["tokens"])
assert not any("continuation" in a for t in e["tokens"][1:] for a in t["prediction"]["alternatives"])
END

# Only tokens that are no whole characters by themselves have their bytes as text, whatever bytes stand around them.
train_small b text --tokenizer bpe --vocab 300
run explain -m b "The moon" --temperature 9 --ignore-end --seed 3 --tokens 24 --json
cp out explained
numbers "bytes of whole characters" <<'END'
import json
def tokens(x):
    if isinstance(x, dict) and "id" in x: yield x
    for y in x.values() if isinstance(x, dict) else x if isinstance(x, list) else (): yield from tokens(y)
def whole(text):
    try: return bytes.fromhex(text).decode() is not None
    except UnicodeDecodeError: return False
divided = [t for t in tokens(json.load(open("explained"))) if "bytes" in t]
assert len(divided) > 100 and not any(whole(t["bytes"]) for t in divided), [t for t in divided if whole(t["bytes"])]
END

# The page: in the reader's language, nothing of the text is code, nothing is loaded.
run explain -m m "</script><script>alert(1)</script>&amp; 夜" --tokens 3 -o page.html
expect_status 0
expect_err "page.html explains the text"
[ "$(grep -c '<script' page.html)" -eq 3 ] || flunk "the text is code"
! grep -q '"text":"<' page.html || flunk "a token may begin code"
grep -q '"text":"\\u003c"' page.html || flunk "a token is not escaped"
! grep -qE 'https?://|src=|href=|@import|url\(' page.html || flunk "the page loads something"
! grep -q '{{' page.html || flunk "a place is not filled in"
grep -q '<html lang="en">' page.html || flunk "the language of the page"
run explain -m m "The" --tokens 3 -q -o page.html # replaces a page
expect_status 0
expect_silent_err
INKSTONE_LANG=zh run explain -m m "The" --tokens 3 -q
expect_out '<html lang="zh-CN">'
expect_out '注意力'
[ "$(wc -c <out)" -lt 200000 ] || flunk "a page of $(wc -c <out) bytes"

# What does not fit is told.
run explain -m m "$(head -c 300 text)" --tokens 4 --branches 0 --json
expect_status 0
expect_err "warning: the prompt is too long to be explained as a whole: the first"
expect_err "(32 tokens of this model, new ones included, fit into a page)"
run explain -m m "The" --tokens 100 --ignore-end --branches 0 --json
expect_status 0
expect_err "the text ends after 32 tokens"
cp out explained
numbers "more tokens than fit" <<'END'
import json
assert len(json.load(open("explained"))["tokens"]) == 32
END

# A network without attention.
train_small r text --arch lstm
run explain -m r "The" --tokens 3 --json
expect_status 0
! grep -q '"attention"' out || flunk "attention of a network without"
expect_out '"heads":0'
run explain -m r "The" --tokens 3
expect_out "carries a state of fixed size"

# What is refused.
run explain -m m "The" --branches 0 --branch-tokens 4
expect_usage "--branch-tokens has no effect with --branches 0"
run explain -m m "The" --max-tokens 4
expect_usage "--max-tokens is a flag of"
printf 'max_tokens: 4\n' >recipe.yaml
run explain -m m "The" --config recipe.yaml
expect_usage "--max-tokens has no effect on an explanation"
echo dear >dear
run explain -m m "The" -o dear
expect_usage "exists and is no page of explain"
run explain -m m "The" -o m/config.json
expect_usage "would be overwritten"
run explain -m m "The" --json -o page.html
expect_usage "exists and is no JSON of explain"
printf 'one\tuno\ntwo\tdue\nthree\ttre\nfour\tquattro\n' >pairs.tsv
run train translate pairs.tsv -o mt --arch marian --size nano --tokenizer byte --steps 2 --holdout 0 -q
run explain -m mt "one"
expect_usage "this model was trained to translate"
finish
