#!/usr/bin/env python3
"""Classes of characters in patterns, over all characters, against Hugging Face tokenizers (Oniguruma). Development only.

    test_hf_classes.py LIBINKSTONE.SO    exit 1 where something differs, 77 where `tokenizers` is absent

Only characters of Unicode 14, which PCRE2 10.42 has, and whose properties a later version has not changed.
"""
import json
import os
import sys
import tempfile
import unicodedata

try:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)
from library import Tokenizer as Ours

PATTERNS = [r"\w", r"\W", r"[\w]", r"[^\w]", r"[\w-]", r"\b", r"\B", r"\bx", r"[a-w]*", r"\d", r"[^\d]", r"\s", r"\S", r"[^\s]", r"[\S]", r"[^\S]", r"(?<=\w)[^\w\s]",
            r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{Alphabetic}"] + [
                f"[[:{no}{name}:]]" for name in ("alpha", "digit", "lower", "upper", "space", "cntrl", "ascii") for no in ("", "^")] + [
                    f"[[:{name}:]]" for name in ("alnum", "punct", "word", "blank", "xdigit")]
CHANGED = {*range(0x363, 0x370), 0xC04, 0xF82, 0xF83, 0x10FC, *range(0x1DD3, 0x1DE7), 0xA7F2, 0xA7F3, 0xA7F4, 0xAB69, 0x11080, 0x11081}  # since Unicode 14


def characters():
    old = unicodedata.unidata_version == "14.0.0"
    for code in range(1, 0x110000):
        c = chr(code)
        category = unicodedata.category(c)
        if category not in ("Cn", "Cs", "Co") and code not in CHANGED and (old or unicodedata.ucd_3_2_0.category(c) == category):
            yield c


def replacing(pattern):
    """A tokenizer that only replaces matches, and leaves bytes."""
    t = Tokenizer(models.BPE({c: i for i, c in enumerate(pre_tokenizers.ByteLevel.alphabet())}, []))
    t.normalizer = normalizers.Replace(Regex(pattern), "#")
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    t.decoder = decoders.ByteLevel()
    return t


def compare(pattern, pieces, scratch):
    theirs, path = replacing(pattern), os.path.join(scratch, "t.json")
    theirs.save(path)
    ours, wrong = Ours(sys.argv[1], path), []
    for i in range(0, len(pieces), 2000):
        text = "\n".join(pieces[i:i + 2000])
        wanted, got = theirs.normalizer.normalize_str(text), ours.decode(ours.encode(text))
        if wanted != got:
            wrong += [p for p in pieces[i:i + 2000] if theirs.normalizer.normalize_str(p) != ours.decode(ours.encode(p))] or ["between"]
    if wrong:
        print("DIFFERENT:", pattern, len(wrong), " ".join(f"U+{ord(p[1]):04X}" for p in wrong[:20]))
    return not wrong


if __name__ == "__main__":
    around = ["x" + c + "x." + c + " " for c in characters()]
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(p, around, folder) for p in PATTERNS]
    print(len(around), "characters,", sum(results), "of", len(results), "patterns the same")
    sys.exit(0 if all(results) else 1)
