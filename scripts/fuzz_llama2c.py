#!/usr/bin/env python3
"""Writes the seeds of fuzz_llama2c: the length of a tokenizer (u16), the tokenizer, a model, as llama2.c exports them.

    python3 scripts/fuzz_llama2c.py        (run once, the seeds are committed)
"""

import math
import pathlib
import struct

SEEDS = pathlib.Path(__file__).parent.parent / "tests/fuzz/seeds/llama2c"
PIECES = [" a", "ab", " ", "a", "b"]  # after <unk>, <s>, </s> and 256 bytes
WIDTH, FFN, LAYERS, HEADS, KV_HEADS, VOCABULARY, CONTEXT = 2, 1, 1, 1, 1, 3 + 256 + len(PIECES), 2


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def tokenizer():
    texts = ["<unk>", "\n<s>\n", "\n</s>\n", *(f"<0x{i:02X}>" for i in range(256)), *PIECES]
    out = struct.pack("<I", max(map(len, texts)))
    for i, text in enumerate(texts):
        out += struct.pack("<fI", -max(0, i - 258), len(text)) + text.encode()
    return out


def matrix(rows, columns):
    return floats(*(math.sin(i) for i in range(rows * columns)))


def model(version, tied, vocabulary=VOCABULARY):
    sizes = [WIDTH, FFN, LAYERS, HEADS, KV_HEADS, vocabulary, CONTEXT]
    if version:
        header = struct.pack("<Ii7iB", 0x616B3432, version, *sizes, tied).ljust(256, b"\0")
    else:
        header = struct.pack("<7i", *(s if i != 5 or tied else -s for i, s in enumerate(sizes)))
    norm, embedding = matrix(1, WIDTH), matrix(vocabulary, WIDTH)
    attention, ffn = matrix(WIDTH, WIDTH) * 4, matrix(FFN, WIDTH) * 3  # key/value heads are as many as heads here
    rotation = floats(*map(math.cos, range(CONTEXT)), *map(math.sin, range(CONTEXT)))
    if version:
        body = norm * 3 + embedding + attention + ffn
    else:
        body = embedding + norm + attention + norm + ffn + norm + rotation
    return header + body + (b"" if tied else embedding)


def seed(name, model_file, tokenizer_file=b""):
    (SEEDS / name).write_bytes(struct.pack("<H", len(tokenizer_file)) + tokenizer_file + model_file)


def main():
    SEEDS.mkdir(parents=True, exist_ok=True)
    seed("legacy", model(0, True), tokenizer())
    seed("version_1", model(1, True), tokenizer())
    for version in 0, 1, 2:
        seed(f"small_{version}", model(version, False, 3))
    seed("header", model(1, True)[:60])


if __name__ == "__main__":
    main()
