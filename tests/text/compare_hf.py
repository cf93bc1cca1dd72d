"""Ids of every line of text files: Inkstone's against Hugging Face tokenizers'. Usage: compare_hf.py INKSTONE TOKENIZER.json FILE..."""
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

inkstone, path, files = sys.argv[1], sys.argv[2], sys.argv[3:]
tokenizer = Tokenizer.from_file(path)
lines = []
for name in files:
    with open(name, encoding="utf-8", newline="") as f:
        lines += [line.rstrip("\n") for line in f if line.rstrip("\n")]
with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt", newline="") as f:
    f.write("\n".join(lines) + "\n")
    f.flush()
    with open(f.name, "rb") as source:
        out = subprocess.run([inkstone, "tokenizer", "encode", "-m", path, "-"], stdin=source, check=True, capture_output=True)
ours = out.stdout.decode().split("\n")[: len(lines)]
wrong = 0
for start in range(0, len(lines), 10000):
    batch = tokenizer.encode_batch(lines[start : start + 10000], add_special_tokens=False)
    for line, mine, theirs in zip(lines[start : start + 10000], ours[start : start + 10000], batch):
        if [int(x) for x in mine.split()] != theirs.ids:
            wrong += 1
            if wrong <= 3:
                print("DIFFERENT:", repr(line[:200]), "\n  ours  ", mine[:200], "\n  theirs", theirs.ids[:40])
print(f"{path}: {len(lines)} lines, {wrong} different")
sys.exit(1 if wrong else 0)
