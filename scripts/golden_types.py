#!/usr/bin/env python3
"""Writes tests/golden/types/<type>.txt: what GGML's Python package makes of blocks of each type.

    python3 scripts/golden_types.py        (needs gguf and numpy; run once, the numbers are committed)

First line: two blocks of random bytes, in hexadecimal; second: their values. Where gguf can quantize: third line: values, fourth: the
blocks that it makes of them.
"""
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "types"
TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL")


def text(values):
    return " ".join(f"{x:.9g}" for x in values)


OUT.mkdir(exist_ok=True)
draw = np.random.default_rng(1)
for name in TYPES:
    kind = GGMLQuantizationType[name]
    elements, size = quants.GGML_QUANT_SIZES[kind]
    values = np.array([np.inf])
    while not np.isfinite(values).all() or abs(values).max() > 1e6:
        blocks = draw.integers(0, 256, 2 * size, dtype=np.uint8)
        values = quants.dequantize(blocks, kind)
    lines = [blocks.tobytes().hex(), text(values)]
    values = (draw.standard_normal(2 * elements) * 0.05).astype(np.float32)
    try:
        lines += [text(values), quants.quantize(values, kind).tobytes().hex()]
    except NotImplementedError:
        pass
    (OUT / f"{name.lower()}.txt").write_text("\n".join(lines) + "\n")
