#!/usr/bin/env python3
"""Tokenizers in other files than tokenizer.json against SentencePiece, tiktoken and Hugging Face tokenizers. Development only.

    test_peer_files.py LIBINKSTONE.SO SHARED     exit 1 where something differs, 77 where a package is absent
"""
import glob
import gzip
import os
import random
import sys
import tempfile

try:
    import sentencepiece
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken_ext import openai_public
    from tokenizers import Tokenizer
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)
from library import Tokenizer as Ours
from test_hf_kinds import corpus, random_texts

library, shared = sys.argv[1:3]
lines = corpus(shared)
count = int(os.environ.get("INKSTONE_TEXTS", "400"))
failed = []


def compare(name, path, encode, decode=None, keep=lambda text: True, both=(True, False)):
    """encode(text, specials), decode(ids); `both`: special tokens allowed, and not."""
    ours, wrong = Ours(library, path), 0
    for text in [t for t in random_texts(random.Random(5), count, lines) if keep(t)] + ["a<|endoftext|>b <|endofprompt|>", " " * 300, "\n\n\n  x"]:
        for specials in both:
            wanted, got = encode(text, specials), ours.encode(text, specials)
            their_text = decode(wanted) if decode else ""
            same = not decode or "⁇" in their_text or "\ufffd" in their_text or ours.decode(wanted) == their_text
            if got != wanted or not same:
                wrong += 1
                if wrong <= 2:
                    print("DIFFERENT:", name, repr(text), got[:40], wanted[:40], "" if same else (ours.decode(wanted), their_text))
    print(f"{wrong} WRONG:" if wrong else "ok:", name)
    if wrong:
        failed.append(name)


def models(folder):
    """Published ones, and of every kind that SentencePiece trains."""
    try:
        import mistral_common
        yield from sorted(glob.glob(os.path.dirname(mistral_common.__file__) + "/data/*model.v*"))
    except ImportError:
        print("mistral_common is not installed: its models are left out")
    yield from sorted(glob.glob(shared + "/data/tokenizers/sentencepiece/*.model"))
    with open(folder + "/text", "w", encoding="utf-8") as f:
        f.write("\n".join(line for line in lines[::3] if line))
    kinds = [dict(model_type="unigram"), dict(model_type="bpe"), dict(model_type="unigram", byte_fallback=True, normalization_rule_name="identity"),
             dict(model_type="bpe", byte_fallback=True, normalization_rule_name="nfkc_cf", user_defined_symbols=["<sep>", "moon"]),
             dict(model_type="unigram", add_dummy_prefix=False, remove_extra_whitespaces=False, split_by_whitespace=False),
             dict(model_type="bpe", remove_extra_whitespaces=False, normalization_rule_name="nmt_nfkc")]
    for i, options in enumerate(kinds):
        sentencepiece.SentencePieceTrainer.train(input=folder + "/text", model_prefix=f"{folder}/kind{i}", vocab_size=4500, character_coverage=0.99, minloglevel=2,
                                                 hard_vocab_limit=False, **options)
        yield f"{folder}/kind{i}.model"


with tempfile.TemporaryDirectory() as scratch:
    for path in models(scratch):
        peer = sentencepiece.SentencePieceProcessor(model_file=path)
        # with user-defined symbols, U+2581 or such a symbol at the start of a text: docs/tokenizers.md
        compare(path, path, lambda t, s: peer.encode(t), peer.decode, lambda t: "kind3" not in path or not t.startswith(("▁", "<sep>", "moon")), (False,))
    for name in ("r50k", "cl100k", "o200k"):
        packed = f"{shared}/data/tokenizers/tiktoken/{name}_base.tiktoken.gz"
        if not os.path.exists(packed):
            continue
        path = f"{scratch}/{name}_base.tiktoken"
        with gzip.open(packed) as f, open(path, "wb") as out:
            out.write(f.read())
        openai_public.load_tiktoken_bpe = openai_public.data_gym_to_mergeable_bpe_ranks = lambda *a, **k: load_tiktoken_bpe(path)
        encoding = tiktoken.Encoding(**getattr(openai_public, name + "_base")())
        compare(name, path, lambda t, s: encoding.encode(t, allowed_special="all" if s else set(), disallowed_special=()),
                lambda ids: encoding.decode([i for i in ids if i not in encoding._special_tokens.values()]))
    files = [(f"{shared}/data/tokenizers/cs336/gpt2_{n}.gz", n) for n in ("vocab.json", "merges.txt")]
    if all(os.path.exists(f) for f, _ in files):
        for packed, name in files:
            with gzip.open(packed) as f, open(f"{scratch}/{name}", "wb") as out:
                out.write(f.read())
        with gzip.open(shared + "/data/tokenizers/hf/gpt2/tokenizer.json.gz") as f:
            gpt2 = Tokenizer.from_str(f.read().decode())

        def encode(text, specials):
            gpt2.encode_special_tokens = not specials
            return gpt2.encode(text, add_special_tokens=False).ids

        os.mkdir(scratch + "/gpt2")
        for _, name in files:
            os.rename(f"{scratch}/{name}", f"{scratch}/gpt2/{name}")
        compare("vocab.json and merges.txt", scratch + "/gpt2", encode, lambda ids: gpt2.decode(ids, skip_special_tokens=True))
sys.exit(1 if failed else 0)
