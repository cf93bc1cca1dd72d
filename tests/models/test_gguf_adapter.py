#!/usr/bin/env python3
"""Adapters that `inkstone convert` writes as GGUF files, in llama.cpp and here. Development only.

    test_gguf_adapter.py INKSTONE      exit 1 where something differs, 77 where llama_cpp or torch is absent

llama.cpp gives the tokens of a greedy continuation the same log-probabilities, of f32 and other types; so does a file whose alpha
scales the change. The file does here what the directory does.
"""
import json
import struct
import sys

from peer import check, failed, run

try:
    import llama_cpp
    import torch
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

PROMPT, TOKENS, NEAR = "The moon 3", 24, 2e-3  # llama.cpp's GELU is a table of f16
small = ["--steps", 30, "--lr", 0.01, "--warmup", 3, "--batch", 4, "--sample-tokens", 0, "--threads", 1, "-q"]
# Orders of rows: pairs (llama), by groups (gpt_neox, falcon), transposed (gpt2); matrices of several layers (phi3).
ARCHS = {"llama": [], "qwen2": [], "phi3": [], "gemma3": [], "gpt2": [], "gpt_neox": ["--no-tied"], "falcon": ["--kv-heads", 2], "bloom": [],
         "starcoder2": [], "stablelm": ["--no-tied"], "olmo2": ["--no-tied"]}


def written(*model):
    return json.loads(run("write", "--json", "--greedy", "--ignore-end", "--max-tokens", TOKENS, *model, PROMPT))["tokens"]


def compare(name, tokens, base, adapter):
    other = llama_cpp.Llama(base, lora_path=adapter, n_ctx=64, n_threads=1, verbose=False, logits_all=True, type_k=0, type_v=0)
    ids, drawn = other.tokenize(PROMPT.encode()), [t["id"] for t in tokens if t["id"] >= 0]
    other.eval(ids + drawn)
    scores = torch.log_softmax(torch.tensor(other.scores[:len(ids) + len(drawn)]).double(), -1)[len(ids) - 1:-1]
    worst = max(abs(t["logprob"] - scores[i, t["id"]].item()) for i, t in enumerate(t for t in tokens if t["id"] >= 0))
    check(name, worst <= NEAR, f"{worst:.2g}")


def scaled(path, alpha):
    """The file with that alpha instead of 0, by which the change is scaled by alpha / rank."""
    with open(path, "rb") as file:
        data = file.read()
    key = b"adapter.lora.alpha" + struct.pack("<I", 6)
    at = data.index(key) + len(key)
    with open("scaled.gguf", "wb") as out:
        out.write(data[:at] + struct.pack("<f", alpha) + data[at + 4:])
    return "scaled.gguf"


with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i % 7} sings over {i % 5} old stones, it's night.\n" for i in range(600))
with open("other", "w", encoding="utf-8") as out:
    out.writelines(f"Old stones, {i % 5}, sing: {i % 7} moons over it.\n" for i in range(600))
for arch, flags in ARCHS.items():
    run("train", "write", "text", "-o", arch, "--arch", arch, "--layers", 3, "--width", 32, "--heads", 4, "--context", 64, "--tokenizer", "char",
        "--vocab", 400, *small, *flags)
    run("train", "write", "other", "-o", f"{arch}-lora", "--from", arch, "--adapter", "lora", "--rank", 3, *small)
    run("convert", arch, f"{arch}.gguf")
    run("convert", f"{arch}-lora", f"{arch}-lora.gguf")
    tokens = written("-m", f"{arch}-lora")
    check(f"{arch}: has changed", tokens != written("-m", arch))
    check(f"{arch}: the file here", tokens == written("-m", arch, "--adapter", f"{arch}-lora.gguf"))
    check(f"{arch}: both files here", tokens == written("-m", f"{arch}.gguf", "--adapter", f"{arch}-lora.gguf"))
    compare(f"{arch}: llama.cpp", tokens, f"{arch}.gguf", f"{arch}-lora.gguf")
for kind in ("f16", "bf16"):
    run("convert", "llama-lora", f"{kind}.gguf", "--type", kind)
    compare(kind, written("-m", "llama.gguf", "--adapter", f"{kind}.gguf"), "llama.gguf", f"{kind}.gguf")
alpha = scaled("llama-lora.gguf", 1.5)
check("alpha is a factor", written("-m", "llama.gguf", "--adapter", alpha) == written("-m", "llama.gguf", "--adapter", "llama-lora.gguf:0.5"))
compare("alpha: llama.cpp", written("-m", "llama.gguf", "--adapter", alpha), "llama.gguf", alpha)
sys.exit(1 if failed else 0)
