#!/usr/bin/env python3
"""Labels by the likelihood of a template's continuation: the probabilities that transformers' log-probabilities give.
Development only.

    test_zero_shot.py INKSTONE      exit 1 where something differs, 77 where transformers, tokenizers or torch is absent
"""
import json
import sys

from peer import check, failed, run

try:
    import torch
    from spaced import save_spaced
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


class Peer:
    """A model, and the probabilities of labels by transformers."""

    def __init__(self, directory):
        self.directory = directory
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.begin = self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else self.tokenizer.eos_token_id

    def log_p(self, text):
        """ln p of a text, as transformers cuts it into tokens, after the model's begin token."""
        ids = [self.begin] + self.tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            log_p = torch.log_softmax(self.model(torch.tensor([ids])).logits[0].double(), -1)
        return sum(log_p[i, id].item() for i, id in enumerate(ids[1:]))

    def probabilities(self, template, text):
        """Over the labels: the texts with different labels differ in nothing else."""
        sums = [self.log_p(template.replace("{text}", text).replace("{label}", label)) for label in LABELS]
        return torch.softmax(torch.tensor(sums, dtype=torch.float64), 0)

    def compare(self, name, template, calibrated, *flags):
        bias = sum(self.probabilities(template, free) for free in FREE) / len(FREE) if calibrated else 1
        for text in TEXTS:
            wanted = self.probabilities(template, text) / bias
            wanted = wanted / wanted.sum()
            found = {l["label"]: l["probability"] for l in json.loads(run("classify", "-m", self.directory, "--json", "--labels",
                                                                          ",".join(LABELS), *flags, text))["labels"]}
            worst = max(abs(found[label] - wanted[i].item()) for i, label in enumerate(LABELS))
            check(f"{name}: {text}", worst < 1e-5, f"{worst:.2g}")


with open("text", encoding="utf-8") as text:
    save_spaced("spaced", text.readlines(), "()\"/:Ratingf评价论：")

TEMPLATE = "About {text}: the label is {label}"
LINES = "Labels: " + ", ".join(LABELS) + "\nText: {text}\nLabel: {label}"
WRITTEN = ["{text} ({label}", "{text}\nRating:{label}", '{text} "{label}', "评论：{text}\n评价：{label}", "{text}{label}", "{text}  {label}"]
for kind in "base", "spaced":
    peer = Peer(kind)
    peer.compare(f"{kind}: a template", TEMPLATE, True, "--template", TEMPLATE)
    peer.compare(f"{kind}: without calibration", TEMPLATE, False, "--template", TEMPLATE, "--no-calibrate")
    peer.compare(f"{kind}: the usual lines", LINES, True)
    for template in WRITTEN:
        peer.compare(f"{kind}: as written: {template}", template, True, "--template", template)
sys.exit(bool(failed))
