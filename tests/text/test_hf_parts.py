#!/usr/bin/env python3
"""Ids against Hugging Face tokenizers where added tokens, byte tokens and vocabularies are unusual. Development only.

    test_hf_parts.py LIBINKSTONE.SO     exit 1 where something differs, 77 where `tokenizers` is absent

Random texts in Chinese and English with added tokens spelled in them, with special tokens allowed and not.
"""
import json
import os
import random
import sys
import tempfile

try:
    from tokenizers import Tokenizer, pre_tokenizers
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)
from library import Tokenizer as Ours

alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
marks = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
unmark = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                           {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
pairs = [("t", "h"), ("th", "e"), ("o", "n"), ("m", "o"), ("mo", "on"), ("a", "a"), ("aa", "aa")]


def added(content, id, special=True, **flags):
    return {"id": id, "content": content, "special": special, "normalized": not special, "single_word": False, "lstrip": False, "rstrip": False, **flags}


def numbered(names):
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def bytes_model(lacking="", merges=pairs, **model):
    names, kept = [c for c in alphabet if c not in lacking], []
    for m in merges + [("Ġ", "the"), ("Ġ", "moon")]:
        if set(m) <= set(names):
            names.append("".join(m))
            kept.append(" ".join(m))
    return {"type": "BPE", "vocab": numbered(names + ["<unk>"]), "merges": kept, **model}


def marks_model(letters, fallback=True, **model):
    merges = [(a, b) for a, b in pairs + [("▁", "the"), ("▁", "moon"), ("明", "月")] if not set(a + b) - set(letters + "▁")]
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256) if fallback] + ["▁"] + list(letters) + ["".join(m) for m in merges]
    return {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": fallback, "vocab": numbered(names),
            "merges": [" ".join(m) for m in merges], **model}


def build(model, tokens, **parts):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": None, "pre_tokenizer": byte_level,
            "post_processor": None, "decoder": byte_level, "model": model, **parts}


def build_marks(model, tokens, **parts):
    return build(model, tokens, normalizer=marks, pre_tokenizer=None, decoder=unmark, **parts)


def cases():
    full = bytes_model()
    size = len(full["vocab"])
    mixed = [added("<s>", size), added("moon!", size + 1, False), added("<s>x", size + 2, False), added("  ", size + 3, False),
             added("明月", size + 4, False), added("<|end|>", size + 5), added("<|end|>>", size + 6, False)]
    yield "byte level, special tokens and others", build(full, mixed)
    yield "spaces taken on the left and on the right", build(full, [added("<mask>", size, lstrip=True), added("<s>", size + 1, rstrip=True),
                                                                   added("moon", full["vocab"]["moon"], False, single_word=True), added("月", size + 2, False, single_word=True)])
    yield "a byte's token among the special ones", build(full, [added("!", full["vocab"]["!"]), added("Ġ", full["vocab"]["Ġ"])])
    lacking = bytes_model("eåæ", [("t", "h"), ("t", "t"), ("a", "a"), ("h", "m")])
    yield "bytes are missing", build(lacking, [added("<s>", len(lacking["vocab"]))])
    unknown = bytes_model("eåæ", unk_token="<unk>")
    yield "bytes are missing, unknown instead", build(unknown, [added("<unk>", unknown["vocab"]["<unk>"])])
    unknown = bytes_model("eåæ", unk_token="<unk>", fuse_unk=True)
    yield "bytes are missing, unknown joined", build(unknown, [])
    yield "cut short and filled up", build(full, mixed, truncation={"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
                                           padding={"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                                                    "pad_type_id": 0, "pad_token": "<unk>"})
    letters = marks_model("themoan b明月")
    vocabulary = letters["vocab"]
    specials = [added(n, vocabulary[n]) for n in ("<unk>", "<s>", "</s>")]
    yield "bytes listed as special tokens", build_marks(letters, specials + [added(f"<0x{i:02X}>", vocabulary[f"<0x{i:02X}>"]) for i in range(256)])
    size = len(vocabulary)
    yield "marks, added tokens in normalized text", build_marks(letters, specials + [added("moon", vocabulary["moon"], False), added("a b", size, False),
                                                                                    added("<|end|>", size + 1, normalized=True)])
    some = marks_model("themoan b明月")
    for i in (0xE6, 0xE5, 0x21):
        del some["vocab"][f"<0x{i:02X}>"]
    some["vocab"] = numbered(some["vocab"])
    del some["unk_token"]
    yield "marks, bytes are missing", build_marks(some, [])
    none = marks_model("themoan b明月", False)
    del none["unk_token"]
    yield "marks, nothing for unknown letters", build_marks(none, [])


WORDS = ["the", "moon", "moon!", "a", "aaaa", "aaaaaaaaa", " ", "  ", "\n", "é", "明月", "明", "月亮", "松", "🙂", "<s>", "<s>x", "</s>", "<|end|>", "<|end|>>",
         "<mask>", " <mask> ", "a b", "<0x41>", "<unk>", "!", "Ġ", "▁", "tthe", "the the", "on,", "\u3000", "x"]


def compare(name, data, scratch, draw):
    path = os.path.join(scratch, "t.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(data, out)
    ours, theirs = Ours(sys.argv[1], path), Tokenizer.from_file(path)
    theirs.no_truncation()
    theirs.no_padding()
    for _ in range(400):
        text = "".join(draw.choice(WORDS) for _ in range(draw.randrange(12)))
        for specials in (True, False):
            theirs.encode_special_tokens = not specials
            wanted, got = theirs.encode(text, add_special_tokens=False).ids, ours.encode(text, specials)
            if got != wanted:
                print("DIFFERENT:", name, repr(text), "specials" if specials else "letters", "\n  ours  ", got, "\n  theirs", wanted)
                return False
    print("ok:", name)
    return True


with tempfile.TemporaryDirectory() as folder:
    results = [compare(name, data, folder, random.Random(7)) for name, data in cases()]
sys.exit(0 if all(results) else 1)
