#!/usr/bin/env python3
"""Writes tests/golden/types/errors.txt: the root mean squared error of GGML's quantizers, of the types whose scales are searched for.

    python3 scripts/golden_quantize.py LIBGGML      (libggml-base.so of llama-cpp-python; run once, the numbers are committed)
"""
import ctypes
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants

ggml = ctypes.CDLL(sys.argv[1], mode=1)  # symbols of other parts are not needed
N = 4096
state = 1
draws = []
for _ in range(4 * N):
    state = (state * 1664525 + 1013904223) % 2**32
    draws.append(np.float32((state >> 8) * 2.0**-24))
values = np.full(N, -2, np.float32)
for k in range(4):
    values = (values + np.array(draws[k::4], np.float32)).astype(np.float32)

lines = []
for name in ("q2_K", "q3_K", "q4_K", "q5_K", "q6_K", "iq4_nl"):
    kind = GGMLQuantizationType[name.upper()]
    elements, size = quants.GGML_QUANT_SIZES[kind]
    blocks = np.zeros(N // elements * size, np.uint8)
    getattr(ggml, f"quantize_{name}")(values.ctypes.data_as(ctypes.c_void_p), blocks.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(1),
                                      ctypes.c_int64(N), None)
    back = quants.dequantize(blocks, kind)
    lines.append(f"{name.lower()} {np.sqrt(np.mean((back.astype(np.float64) - values) ** 2)):.9g}\n")
(Path(__file__).resolve().parent.parent / "tests" / "golden" / "types" / "errors.txt").write_text("".join(lines))
