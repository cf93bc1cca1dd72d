#!/usr/bin/env python3
"""RWKV-7 trained here, run by its authors' package `rwkv`: the log-probabilities of written texts. Development only.

    test_rwkv7.py INKSTONE      exit 1 where something differs, 77 where a package is absent
"""
import json
import os
import sys

os.environ.update(RWKV_V7_ON="1", RWKV_JIT_ON="0", RWKV_CUDA_ON="0")
from peer import run

try:
    import torch
    from rwkv.model import RWKV
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
torch.manual_seed(3)
NAMES = {"attn_norm": "ln1", "ffn_norm": "ln2", "pre_norm": "ln0", "attn.r_proj": "att.receptance", "attn.k_proj": "att.key", "attn.v_proj": "att.value",
         "attn.o_proj": "att.output", "attn.g_norm": "att.ln_x", "attn.": "att."}


def theirs(name, tensor):
    """The name and form of a tensor in the authors' files."""
    if not name.startswith("model.layers."):
        return {"model.embeddings.weight": "emb.weight", "model.norm.weight": "ln_out.weight", "model.norm.bias": "ln_out.bias", "lm_head.weight": "head.weight"}[name], tensor
    name = name.replace("model.layers.", "blocks.")
    for letter in "wavg":
        for ending, number in (("0.weight", 1), ("2.weight", 2), ("2.bias", 0)):
            if name.endswith(f"attn.{letter}_lora.lora.{ending}"):
                return name.split("attn.")[0] + f"att.{letter}{number}", tensor.T.contiguous() if number else tensor
    for ours, other in NAMES.items():
        name = name.replace(ours, other)
    return name, tensor


with open("text", "w", encoding="utf-8") as out:
    for i in range(60):
        print(f"The {i}th line is about a cat, and a dog {i * 7 % 11}. 第{i}行。", file=out)
run("train", "write", "text", "-o", "goose", "--arch", "rwkv7", "--layers", 3, "--width", 128, "--heads", 2, "--context", 64, "--batch", 4, "--steps", 40, "--lr",
    0.003, "--vocab", 300, "--no-tied", "--sample-tokens", 0, "--threads", 1, "-q")
weights = load_file("goose/model.safetensors")
for name, tensor in weights.items():  # so that every part shows
    weights[name] = tensor + 0.1 * torch.randn_like(tensor)
save_file(weights, "goose/model.safetensors")
torch.save(dict(theirs(name, tensor) for name, tensor in weights.items()), "goose.pth")
model = RWKV(model="goose", strategy="cpu fp32")
worst, failed = 0, False
for prompt in ("The 7th line", "第9行"):
    ids = [int(i) for i in run("tokenizer", "encode", "-m", "goose", prompt).split()]
    for flags in (("--greedy",), ("--temperature", 1.5, "--top-p", 1, "-n", 3)):
        for text in map(json.loads, run("write", "-m", "goose", "--json", "--ignore-end", "--max-tokens", 150, *flags, prompt).splitlines()):
            drawn = [t for t in text["tokens"] if t["id"] >= 0]
            before = ids if text["prompt_tokens"] == len(ids) else [json.load(open("goose/config.json"))["eos_token_id"], *ids]
            assert text["prompt_tokens"] == len(before) and len(drawn) >= 140
            logits, _ = model.forward(before + [t["id"] for t in drawn], None, full_output=True)
            log_p = torch.log_softmax(logits.double(), -1)
            worst = max([worst] + [abs(t["logprob"] - log_p[len(before) - 1 + i, t["id"]].item()) for i, t in enumerate(drawn)])
            failed |= "--greedy" in flags and log_p[len(before) - 1:-1].argmax(-1).tolist() != [t["id"] for t in drawn]
print("ok:" if worst < 1e-3 and not failed else "DIFFERENT:", worst, "greedy", not failed)
sys.exit(not (worst < 1e-3 and not failed))
