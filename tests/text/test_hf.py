#!/usr/bin/env python3
"""Ids and merges against Hugging Face tokenizers, on lines of the shared corpora. Development only.

    test_hf.py INKSTONE LIBINKSTONE.SO SHARED     exit 1 where something differs, 77 where something needed is absent
"""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

inkstone, library, shared = sys.argv[1:4]
try:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)
if not os.path.isdir(shared + "/data"):
    print("SKIP: there is no " + shared + "/data")
    sys.exit(77)

os.environ.setdefault("INKSTONE_EVERY", "8")  # lines of which one is looked at
scratch = tempfile.TemporaryDirectory()
data = shared + "/data/"
patterns = ["text/*/*.t*", "translate/*/*.txt", "translate/*/*/*", "reply/*/*.txt", "summarize/*/*.jsonl*", "tokenizers/cs336/*.txt",
            "tokenizers/cs336/corpus.en", "tokenizers/sentencepiece/*.txt", "tokenizers/llama.cpp/*.inp"]
corpora = sorted({f for p in patterns for f in glob.glob(data + p)})
failed = []


def run(*command):
    return subprocess.run([str(c) for c in command], check=True)


def compare(tokenizer):
    here = os.path.dirname(os.path.abspath(__file__))
    if subprocess.run([sys.executable, here + "/compare_hf.py", library, tokenizer, *corpora]).returncode:
        failed.append(tokenizer)


def unpacked(name):
    path = os.path.join(scratch.name, name + ".json")
    with gzip.open(f"{data}tokenizers/hf/{name}/tokenizer.json.gz") as f, open(path, "wb") as out:
        out.write(f.read())
    return path


def unpacked_gguf(name):
    path = os.path.join(scratch.name, name + ".gguf")
    with gzip.open(f"{data}tokenizers/llama.cpp/ggml-vocab-{name}.gguf.gz") as f, open(path, "wb") as out:
        out.write(f.read())
    return path


def llama_cpp(name, tokenizer):
    """Texts and ids of llama.cpp's own tests."""
    base = f"{data}tokenizers/llama.cpp/ggml-vocab-{name}.gguf"
    texts = open(base + ".inp", encoding="utf-8", newline="").read().split("\n__ggml_vocab_test__\n")
    wanted = [line.split() for line in open(base + ".out", encoding="utf-8")]
    for text, ids in zip(texts, wanted):
        result = subprocess.run([inkstone, "tokenizer", "encode", "-m", tokenizer, "-"], input=text.encode(), capture_output=True)
        if result.stdout.split() != [i.encode() for i in ids]:
            print("DIFFERENT:", name, repr(text), result.stdout, result.stderr, ids)
            failed.append(name)


def trained(kind, vocabulary, *files):
    path = os.path.join(scratch.name, kind + ".json")
    run(inkstone, "tokenizer", "train", *files, "-o", path, "--tokenizer", kind, "--vocab", vocabulary, "--quiet")
    return path


def same_merges(path, file):
    """Their trainer on the same words; files without words of more than 48 bytes, of which ours looks at parts."""
    pattern = json.load(open(path))["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    theirs = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level])
    size = len(json.load(open(path))["model"]["vocab"])
    theirs.train_from_iterator([open(file, encoding="utf-8", newline="").read()], trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    ours, them = (json.loads(t)["model"]["merges"] for t in (open(path).read(), theirs.to_str()))
    ours = [m.split(" ") if isinstance(m, str) else m for m in ours]
    print(f"{file}: {len(ours)} merges, theirs {len(them)}")
    if ours != them[: len(ours)] or len(ours) < 1000:
        first = next((i for i, (a, b) in enumerate(zip(ours, them)) if a != b), None)
        print("DIFFERENT merges from", first, ours[first or 0], them[first or 0])
        failed.append("merges")


for name, peer in (("gpt2", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2_5", "qwen2")):
    path = unpacked(name)
    compare(path)
    llama_cpp(peer, path)
    llama_cpp(peer, unpacked_gguf(peer))
llama_cpp("llama-spm", unpacked_gguf("llama-spm"))
compare(shared + "/weights/TinyStories-656K/tokenizer.json")
poems, plays, pairs = (data + f for f in ("text/chinese_poetry/tang.test.tsv", "text/tinyshakespeare/input.txt",
                                          "translate/tatoeba_en_zh/cmn.txt"))
compare(trained("byte", 0, plays))
compare(trained("char", 3000, poems))
compare(trained("bpe", 8000, poems, plays, pairs))
for file in (plays, data + "tokenizers/cs336/corpus.en"):
    same_merges(trained("bpe", 2048, "--documents", "file", file), file)
print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
