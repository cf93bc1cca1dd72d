#!/usr/bin/env python3
"""Every "tokenizer.ggml.pre" that is read, against llama.cpp: GPT-2's vocabulary, with words cut as the name says. Development only.

    test_gguf_pre.py LIBINKSTONE.SO SHARED [NAME...]      exit 1 where ids differ, 77 where something needed is absent

llama.cpp's own expressions differ from those of the models in places (`APART`): there, only texts in ASCII are compared. tiny_aya and
cohere2moe are left out: in "123a", llama.cpp ends a word behind the digits, and the model's own \\b does not.
"""
import glob
import gzip
import os
import random
import struct
import sys
import tempfile

from library import Tokenizer

library, shared = sys.argv[1:3]
try:
    from llama_cpp import Llama
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)
vocabulary = shared + "/data/tokenizers/llama.cpp/ggml-vocab-gpt-2.gguf"
if not os.path.exists(vocabulary + ".gz"):
    print("SKIP: there is no " + vocabulary + ".gz")
    sys.exit(77)

NAMES = (sys.argv[3:] or """gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert mpt olmo jais trillion
granite-docling exaone4 llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano qwen2 deepseek-r1-qwen kormo
f2llmv2 stablelm2 hunyuan solar-open megrez grok-2 smollm starcoder refact command-r codeshell exaone minerva-7b mellum2 dbrx
smaug-bpe chatglm-bpe glm4 glm5 gpt-4o llama4 kanana2 talkie minimax-m2 tekken deepseek-v3 hunyuan-dense joyai-llm hy_v4 spark2_5
deepseek-coder qwen35 minicpm5 jais-2 bailingmoe bailingmoe2 llada-moe seed-coder ufakzeka exaone-moe laguna
falcon bloom poro-chat gpt3-finnish viking""".split())
APART = {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2", "tekken"}  # capitals and small letters of other scripts

scratch = tempfile.TemporaryDirectory()
with gzip.open(vocabulary + ".gz") as file:
    original = file.read()


def with_pre(name):
    """The file with another text under that key."""
    key = b"tokenizer.ggml.pre" + struct.pack("<I", 8)
    at = original.index(key) + len(key)
    length, = struct.unpack_from("<Q", original, at)
    path = os.path.join(scratch.name, name + ".gguf")
    with open(path, "wb") as out:
        out.write(original[:at] + struct.pack("<Q", len(name)) + name.encode() + original[at + 8 + length:])
    return path


def texts():
    found = open(vocabulary + ".inp", encoding="utf-8", newline="").read().split("\n__ggml_vocab_test__\n")
    for path in sorted(glob.glob(shared + "/data/translate/*/*.txt") + glob.glob(shared + "/data/text/tinyshakespeare/*.txt")):
        with open(path, encoding="utf-8", newline="") as lines:
            found += [line for _, line in zip(range(3000), lines)][::100]
    draw = random.Random(1)
    kinds = ["\t", "\n", "\r\n", " ", "  ", "   ", "a", "Bc", "DEF", "'s", "'LL", "12", "3456", "7890123", "!", "?!", "-", "_x", "/", "()", "$",
             "é", "Ünï", "你好", "。", "かな", "한국", "т", "е́", "🙂", "\u200d", "½", "٣", "\u00a0", "\u3000"]
    return found + ["".join(draw.choice(kinds) for _ in range(draw.randint(1, 24))) for _ in range(400)]


compared, failed = texts(), []
for name in NAMES:
    path = with_pre(name)
    theirs, ours = Llama(path, vocab_only=True, verbose=False), Tokenizer(library, path)
    wrong = 0
    for text in compared:
        if name in APART and not text.isascii():
            continue
        expected = theirs.tokenize(text.encode(), add_bos=False, special=False)
        got = ours.encode(text)
        if got != expected:
            wrong += 1
            if wrong <= 2:
                print("DIFFERENT:", name, repr(text[:200]), "\n  here ", got[:40], "\n  there", expected[:40])
    print(f"{name}: {len(compared)} texts, {wrong} different", flush=True)
    if wrong:
        failed.append(name)
print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
