#!/usr/bin/env python3
"""Labels by the likelihood of a template's continuation: the probabilities that transformers' log-probabilities give.
Development only.

    test_zero_shot.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import sys

from peer import check, failed, run

try:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
LABELS = ["old stones", "moon", "夜", "nobody there"]
TEXTS = ["The moon 7 sings", "It's 12: naïve café", "stones"]
FREE = ["N/A", "", "[MASK]"]


with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i} sings over {i * i % 89} old stones, and nobody's there.\n夜 {i}: a Label\n" for i in range(300))
run("train", "write", "text", "-o", "base", "--layers", 2, "--width", 32, "--heads", 4, "--context", 128, "--batch", 4, "--steps", 40,
    "--lr", 0.01, "--documents", "line", "--sample-tokens", 0, "--threads", 1, "-q")
model = AutoModelForCausalLM.from_pretrained("base", dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained("base")


def probabilities(prompt):
    """Over the labels, of what follows the prompt."""
    begin = [tokenizer.eos_token_id] + tokenizer(prompt, add_special_tokens=False)["input_ids"]
    sums = []
    for label in LABELS:
        ids = tokenizer(" " + label, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            log_p = torch.log_softmax(model(torch.tensor([begin + ids])).logits[0].double(), -1)
        sums.append(sum(log_p[len(begin) - 1 + i, id].item() for i, id in enumerate(ids)))
    return torch.softmax(torch.tensor(sums, dtype=torch.float64), 0)


def compare(name, template, calibrated, *flags):
    prompt = template.removesuffix("{label}").rstrip(" ")
    bias = sum(probabilities(prompt.replace("{text}", free)) for free in FREE) / len(FREE) if calibrated else 1
    for text in TEXTS:
        wanted = probabilities(prompt.replace("{text}", text)) / bias
        wanted = wanted / wanted.sum()
        found = {l["label"]: l["probability"] for l in json.loads(run("classify", "-m", "base", "--json", "--labels", ",".join(LABELS),
                                                                      *flags, text))["labels"]}
        worst = max(abs(found[label] - wanted[i].item()) for i, label in enumerate(LABELS))
        check(f"{name}: {text}", worst < 1e-5, f"{worst:.2g}")


TEMPLATE = "About {text}: the label is {label}"
LINES = "Labels: " + ", ".join(LABELS) + "\nText: {text}\nLabel: {label}"
compare("a template", TEMPLATE, True, "--template", TEMPLATE)
compare("without calibration", TEMPLATE, False, "--template", TEMPLATE, "--no-calibrate")
compare("the usual lines", LINES, True)
sys.exit(bool(failed))
