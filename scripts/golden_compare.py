#!/usr/bin/env python3
"""Writes tests/golden/compare/values.txt: how far models of golden_models.py are from themselves with all weights times 0.9, from logits of
transformers in f64.

    python3 scripts/golden_compare.py      (needs torch and transformers; run once, the numbers are committed)

A line: name, scored tokens, tokens with the same first choice, sums of -ln p of the scaled model and of the reference, and of D(reference ||
scaled) per token sum, median, 99 % quantile (the least value that the share of tokens does not exceed) and maximum.
"""
import math
from pathlib import Path

import torch
from golden_models import MODELS, SEQUENCES, TIME, inputs_of, model_of

SCALE, UNSCORED = 0.9, 5  # each fifth token of a sequence and its last three are no targets


def scored(targets):
    at = torch.arange(TIME)
    return ((at % UNSCORED != UNSCORED - 1) & (at < TIME - 3)).expand(SEQUENCES, TIME)


def quantile(values, share):
    return sorted(values)[math.ceil(share * len(values)) - 1]


lines = []
for name in ("llama", "gpt2", "marian"):
    reference, scaled = (model_of(name, *MODELS[name]) for _ in range(2))
    with torch.no_grad():
        for p in scaled.parameters():
            if p.requires_grad:
                p *= SCALE
        inputs, targets = inputs_of(reference)
        p, q = (model(**inputs).logits.log_softmax(-1) for model in (reference, scaled))
    keep = scored(targets)
    nats = [-x.gather(-1, targets[..., None])[..., 0][keep].sum().item() for x in (q, p)]
    divergence = (p.exp() * (p - q)).sum(-1)[keep].tolist()
    agreed = (p.argmax(-1) == q.argmax(-1))[keep].sum().item()
    numbers = nats + [sum(divergence), quantile(divergence, 0.5), quantile(divergence, 0.99), max(divergence)]
    lines.append(f"{name} {keep.sum().item()} {agreed} " + " ".join(f"{x:.9g}" for x in numbers) + "\n")
(Path(__file__).resolve().parent.parent / "tests" / "golden" / "compare" / "values.txt").write_text("".join(lines))
