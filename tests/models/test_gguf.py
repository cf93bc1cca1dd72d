#!/usr/bin/env python3
"""GGUF files that `inkstone convert` writes, in other programs. Development only.

    test_gguf.py INKSTONE      exit 1 where something differs, 77 where gguf is absent

The gguf package reads every file, and dequantizes its tensors to the values that convert makes of them. If llama_cpp is there, it loads
them and continues a prompt with the same greedy text. (Its products round activations to 8 bits if weights have blocks: those models
are trained until no two tokens are nearly as probable.) If transformers is there, it makes models of random weights, far from uniform,
of which llama_cpp gives the tokens that are written here the same log-probabilities.
"""
import json
import os
import random
import shutil
import subprocess
import sys

from peer import check, failed, inkstone, run

try:
    import gguf
    import numpy as np
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)
try:
    import llama_cpp
except ImportError as missing:
    print("SKIP: texts:", missing)
    llama_cpp = None
try:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
except ImportError as missing:
    print("SKIP: random weights:", missing)
    torch = None

TOKENS = 24
TYPES = ("f32", "bf16", "f16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "q4_k_m")
# longrope: llama.cpp chooses the factors by its context, so the prompt is longer than 16 tokens
SCALINGS = {"linear": {"factor": 2.0},
            "yarn": {"factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 20.0, "attention_factor": 1.3},
            "longrope": {"short_factor": [1.0, 1.5, 2.0, 3.0], "long_factor": [2.0, 4.0, 8.0, 16.0], "original_max_position_embeddings": 16}}


# What models trained here have not, or what llama.cpp has not.
CHANGES = {"gemma2": {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
           "exaone4": {"sliding_window": None, "layer_types": ["full_attention"] * 3}}
UNTIED = ("phi", "olmo2", "olmo3", "stablelm", "gpt_neox")
NEAR = 2e-3  # llama.cpp's GELU is a table of f16


def train(name, arch, *flags):
    run("train", "write", "text", "-o", name, "--arch", arch, "--context", 64, "--batch", 4, "--warmup", 3, "--vocab", 400,
        "--sample-tokens", 0, "--threads", 1, "-q", *flags, *(["--no-tied"] if arch in UNTIED else []))


def compare_texts(model, prompt):
    if not llama_cpp:
        return
    other = llama_cpp.Llama(model, n_ctx=64, n_threads=1, verbose=False)
    theirs = prompt + other.create_completion(prompt, max_tokens=TOKENS, temperature=0)["choices"][0]["text"]
    ours = run("write", "-m", model, "--greedy", "--max-tokens", TOKENS, prompt).removesuffix("\n")
    check(f"{model}: text", ours.strip() == theirs.strip())
    if ours.strip() != theirs.strip():
        print(f"  here:  {ours!r}\n  there: {theirs!r}")


def compare_random(name):
    """A model like that one, with random weights."""
    if not llama_cpp or not torch:
        return
    shutil.copytree(name, "random", dirs_exist_ok=True)
    with open("random/config.json") as file:
        config = json.load(file) | CHANGES.get(name, {})
    with open("random/config.json", "w") as file:
        json.dump(config, file)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained("random"))
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    model.save_pretrained("random")
    run("convert", "random", "random.gguf", "--overwrite")
    compare_scores(f"{name}: random weights", "random.gguf")


def compare_scores(name, model):
    """The log-probabilities of the greedy continuation."""
    if not llama_cpp or not torch:
        return
    text = json.loads(run("write", "-m", model, "--json", "--greedy", "--ignore-end", "--max-tokens", TOKENS, "The moon 3"))
    other = llama_cpp.Llama(model, n_ctx=64, n_threads=1, verbose=False, logits_all=True, type_k=0, type_v=0)
    ids = other.tokenize(b"The moon 3")
    assert len(ids) == text["prompt_tokens"]
    drawn = [t["id"] for t in text["tokens"] if t["id"] >= 0]
    other.eval(ids + drawn)
    scores = torch.log_softmax(torch.tensor(other.scores[:len(ids) + len(drawn)]).double(), -1)[len(ids) - 1:-1]
    worst = max(abs(t["logprob"] - scores[i, t["id"]].item()) for i, t in enumerate(t for t in text["tokens"] if t["id"] >= 0))
    check(name, worst <= NEAR and scores.argmax(-1).tolist() == drawn, f"{worst:.2g}")


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header, data = json.loads(data[8:8 + length]), data[8 + length:]
    return {k: np.frombuffer(data[v["data_offsets"][0]:v["data_offsets"][1]], np.float32).reshape(v["shape"])
            for k, v in header.items() if k != "__metadata__"}


def compare_values(model):
    """Of matrices that are stored as they are used."""
    run("convert", model, "wide", "--type", "f32", "--overwrite")
    ours = read_safetensors("wide/model.safetensors")
    good = True
    for tensor in gguf.GGUFReader(model).tensors:
        name = tensor.name.replace("blk.", "model.layers.").replace("ffn_down", "mlp.down_proj").replace("token_embd", "model.embed_tokens")
        if name in ours:
            theirs = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(ours[name].shape)
            good = good and np.allclose(ours[name], theirs, rtol=1e-6, atol=abs(theirs).max() * 2**-22)
    check(f"{model}: values", good)


def compare_symbols():
    """User-defined symbols of SentencePiece: as llama.cpp finds them, and puts spaces behind them, or refused."""
    try:
        import sentencepiece
    except ImportError as missing:
        print("SKIP: symbols:", missing)
        return
    os.mkdir("pieces")
    sentencepiece.SentencePieceTrainer.train(input="text", model_prefix="pieces/tokenizer", model_type="bpe", vocab_size=320, byte_fallback=True,
                                             user_defined_symbols=["<tool>", "<x>"], character_coverage=1.0,
                                             normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2)
    for legacy in (True, False):
        with open("pieces/tokenizer_config.json", "w") as file:
            json.dump({"tokenizer_class": "LlamaTokenizer", "legacy": legacy}, file)
        run("train", "write", "text", "-o", "symbols", "--arch", "llama", "--tokenizer-from", "pieces", "--layers", 1, "--width", 32, "--heads", 4,
            "--context", 64, "--batch", 4, "--steps", 30, "--warmup", 3, "--lr", 0.01, "--sample-tokens", 0, "--threads", 1, "-q", "--overwrite")
        if not legacy:
            refused = subprocess.run([inkstone, "convert", "symbols", "new.gguf"], capture_output=True, text=True)
            check("symbols of a class that puts spaces elsewhere are refused", refused.returncode == 1 and "a pre-tokenizer" in refused.stderr, refused.stderr)
            continue
        run("convert", "symbols", "symbols.gguf")
        compare_texts("symbols.gguf", "The moon 3")
        if not llama_cpp:
            continue
        other = llama_cpp.Llama("symbols.gguf", vocab_only=True, verbose=False)
        draw = random.Random(3)
        texts = ["".join(draw.choice(["<tool>", "<x>", " ", "The", " moon", "old stones", "<", "x>", "é", "月"]) for _ in range(draw.randrange(1, 9)))
                 for _ in range(200)]
        for model in ("symbols", "symbols.gguf"):
            wrong = [t for t in texts if [int(i) for i in run("tokenizer", "encode", "-m", model, "--no-special-tokens", "--", t).split()]
                     != other.tokenize(t.encode(), add_bos=False, special=False)]
            check(f"{model}: ids of 200 texts with symbols", not wrong, wrong[:3])


with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i % 7} sings over {i % 5} old stones, it's night.\n" for i in range(600))
for arch in ("llama", "mistral", "qwen2", "qwen3", "gemma3", "gpt2", "mixtral", "qwen3_moe", "phi", "phi3", "granite", "smollm3", "gemma", "arcee",
             "seed_oss", "ernie4_5", "cohere", "cohere2", "bloom", "falcon", "glm", "glm4", "mpt", "olmo", "olmo2", "olmo3", "stablelm",
             "gpt_neox", "starcoder2"):
    train(arch, arch, "--layers", 3, "--width", 32, "--heads", 4, "--steps", 30, "--lr", 0.01, "--tokenizer", "char")
    run("convert", arch, f"{arch}.gguf")
    fields = gguf.GGUFReader(f"{arch}.gguf").fields
    check(f"{arch}.gguf: read", fields["general.architecture"].contents() and len(fields["tokenizer.ggml.tokens"].contents()) > 0)
    compare_texts(f"{arch}.gguf", "The moon 3")
    compare_random(arch)
for name, arch, *flags in (("exaone4", "exaone4"), ("gemma2", "gemma2"), ("grouped", "falcon", "--kv-heads", 2)):
    train(name, arch, "--layers", 3, "--width", 32, "--heads", 4, "--steps", 4, "--tokenizer", "char", *flags)
    compare_random(name)
for kind, scaling in SCALINGS.items():  # trained without: rotation must only be the same, here and there
    shutil.rmtree("scaled", ignore_errors=True)
    shutil.copytree("llama", "scaled")
    with open("scaled/config.json") as file:
        config = json.load(file) | {"rope_scaling": {"rope_type": kind, **scaling}}
    with open("scaled/config.json", "w") as file:
        json.dump(config, file)
    run("convert", "scaled", f"{kind}.gguf")
    compare_texts(f"{kind}.gguf", "The moon 3 sings over 2 old")
train("rwkv7", "rwkv7", "--layers", 3, "--width", 128, "--heads", 2, "--steps", 40, "--lr", 0.005, "--tokenizer", "char", "--no-tied")
for kind in ("f32", "q8_0"):
    run("convert", "rwkv7", f"rwkv7-{kind}.gguf", "--type", kind)
    compare_texts(f"rwkv7-{kind}.gguf", "The moon 3")
compare_scores("rwkv7", "rwkv7-f32.gguf")  # transformers has no such class that could make random weights
compare_symbols()
train("words", "llama", "--layers", 2, "--width", 256, "--heads", 4, "--steps", 120, "--lr", 0.003, "--tokenizer", "bpe", "--words", "gpt-2")
for kind in TYPES:
    run("convert", "words", f"words-{kind}.gguf", "--type", kind)
    compare_values(f"words-{kind}.gguf")
    compare_texts(f"words-{kind}.gguf", "The moon 3 sings over")
sys.exit(1 if failed else 0)
