#!/usr/bin/env python3
"""`inkstone explain --json` beside transformers: attention of every head, predictions after every layer. Development only.

    test_explain.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent

The prediction after layer n is that of the same model without the layers behind it.
"""
import json
import sys

from peer import check, failed, run

try:
    import torch
    from transformers import AutoModelForCausalLM
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
MOST = 1e-5
# Grouped queries, learned positions, ALiBi, a window, capped scores and logits, factors of residuals and logits, norms behind.
CONFIG = {"gemma2": {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 3.0}, "mistral": {"sliding_window": 8}, "granite": {"residual_multiplier": 0.5, "logits_scaling": 2.0}}
ARCHS = {"llama": ("--heads", 4, "--kv-heads", 2), "gpt2": (), "bloom": (), "mistral": ("--heads", 4), "gemma2": ("--heads", 4),
         "granite": ("--heads", 4), "olmo2": ("--heads", 4)}

with open("text", "w", encoding="utf-8") as out:
    for i in range(200):
        print(f"The {i}th line is about a cat, and a dog {i * 7 % 11}. 第{i}行。", file=out)


def layers_of(model):
    """The list of layers, whatever the class calls it, in the module that holds it."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.ModuleList) and len(child) == model.config.num_hidden_layers:
                return module, name, child
    sys.exit("no list of layers")


def differences(predicted, probabilities):
    yield from (abs(c["probability"] - float(probabilities[c["id"]])) for c in predicted)


def compare_predictions(name, explained, model, ids):
    module, attribute, layers = layers_of(model)
    followed = [t["prediction"] for t in explained["tokens"][1:]]
    for depth in range(len(layers) + 1):
        setattr(module, attribute, layers[:depth])
        model.config.num_hidden_layers = depth
        p = model(torch.tensor([ids])).logits[0].softmax(-1)
        worst = 0
        for i, prediction in enumerate([*followed, explained["next"]]):
            layer = prediction["layers"][depth]
            worst = max(worst, *differences(layer["best"], p[i]))
            best = p[i].topk(len(layer["best"])).values
            worst = max(worst, *(abs(c["probability"] - float(b)) for c, b in zip(layer["best"], best)))
            if i < len(followed):
                worst = max(worst, abs(layer["probability"] - float(p[i][ids[i + 1]])))
        check(f"{name}: predictions after layer {depth}", worst < MOST, f"{worst:.2g}")
    worst = max(max(differences(x["alternatives"], p[i])) for i, x in enumerate([*followed, explained["next"]]))
    check(f"{name}: alternatives", worst < MOST, f"{worst:.2g}")


def compare_attention(name, explained, model, ids):
    theirs = model(torch.tensor([ids]), output_attentions=True).attentions
    worst = 0
    for layer, heads in enumerate(explained["attention"]):
        for head, rows in enumerate(heads):
            for query, row in enumerate(rows):
                other = theirs[layer][0, head, query]
                worst = max(worst, float((torch.tensor(row) - other[: query + 1]).abs().max()), float(other[query + 1 :].abs().sum()))
    check(f"{name}: attention of {len(theirs)} layers of {len(heads)} heads", worst < MOST, f"{worst:.2g}")
    check(f"{name}: every layer and head", (len(explained["attention"]), len(heads)) == (len(theirs), theirs[0].shape[1]))


for name, flags in ARCHS.items():
    run("train", "write", "text", "-o", name, "--arch", name, "--layers", 3, "--width", 64, "--context", 48, "--batch", 4, "--steps", 60, "--lr", 0.003,
        "--vocab", 300, "--sample-tokens", 0, "--threads", 1, "-q", *flags)
    config = json.load(open(f"{name}/config.json", encoding="utf-8"))
    json.dump(config | CONFIG.get(name, {}), open(f"{name}/config.json", "w", encoding="utf-8"))
    explained = json.loads(run("explain", "-m", name, "--tokens", 24, "--json", "--branches", 0, "--temperature", 1.5, "The 7th line 第9行"))
    ids = [t["id"] for t in explained["tokens"]]
    model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        compare_attention(name, explained, model, ids)
        compare_predictions(name, explained, model, ids)
if failed:
    sys.exit(f"{len(failed)} differ: {', '.join(failed)}")
