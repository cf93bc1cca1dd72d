"""Ids of every line of text files, and the text they decode to: ours against Hugging Face tokenizers'.

    compare_hf.py LIBINKSTONE.SO TOKENIZER.JSON FILE...      exit 1 where a line differs, 77 where `tokenizers` is absent

INKSTONE_EVERY=N looks at every N-th line only.
"""
import gzip
import os
import sys

try:
    from tokenizers import Tokenizer
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)
from library import Tokenizer as Ours

path = sys.argv[2]
ours, theirs = Ours(sys.argv[1], path), Tokenizer.from_file(path)
lines = []
for name in sys.argv[3:]:
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8", newline="") as f:
        lines += [line for line in f if line]
lines = lines[:: int(os.environ.get("INKSTONE_EVERY", "1"))]
wrong = 0
for start in range(0, len(lines), 10000):
    batch = lines[start : start + 10000]
    for line, expected in zip(batch, theirs.encode_batch(batch, add_special_tokens=False)):
        got = ours.encode(line)
        # Hugging Face spells out an unknown token whose name a normalizer changed: nothing to compare there
        text = theirs.decode(expected.ids, skip_special_tokens=True)
        same_text = "<unk>" in text or ours.decode(got) == text
        if got == expected.ids and same_text:
            continue
        wrong += 1
        if wrong <= 3:
            print("DIFFERENT:", repr(line[:200]), "\n  ours  ", got[:40], "\n  theirs", expected.ids[:40], "\n  text", "same" if same_text else "differs")
print(f"{path}: {len(lines)} lines, {wrong} different")
sys.exit(1 if wrong else 0)
