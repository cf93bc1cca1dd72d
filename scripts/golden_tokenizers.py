#!/usr/bin/env python3
"""Golden values of tokenizers: writes tests/golden/tokenizers/NAME.json, each a tiny tokenizer of Hugging Face's tokenizers with the
ids and the decoded text that it gives some texts. Development only: golden_tokenizers.py
"""
import base64
import json
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ["INKSTONE_SIZE"] = "330"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "text"))
import sentencepiece  # noqa: E402
from sentencepiece import sentencepiece_model_pb2 as pb  # noqa: E402
from test_hf_kinds import TEXTS, Regex, Tokenizer, bpe, cases, decoders, models, normalizers, pre_tokenizers, split, unigram  # noqa: E402

CHOSEN = ["Metaspace always", "Metaspace first", "Metaspace never", "Replace, Split", "Digits, ByteLevel", "a prefix space after", "three Splits", "BLOOM", "Falcon", "CLIP",
          "suffix", "prefix ##", "Split removed False regex", "Split merged_with_previous True regex", "Split merged_with_next True regex", "Split contiguous False regex",
          "Punctuation contiguous", "NFD, StripAccents", "Nmt", "Replace by regex", "WordPiece {}", "WordPiece {'lowercase", "WordLevel", "Unigram, byte", "Unigram of"]
MORE = ["", " ", "moon moon, 12 a1b2", "<s>the </s> moon", "  床前  明月 光。", "é e\u0301 Ａ\u0301ﬁ", "qqqq\u4e00\u4e00q", "don't  <|x|>x", "aeiou  bcd aab", "qqq aaaa aa", "b^<unk>b", "。、月,abcdefghijklmnop 月"]


def small_map():
    """SentencePiece's compiled table of a few rules."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text("FF21\t41\nFF21 301\tC1\n65 301\tE9\nFB01\t66 69\n3000\t20\n9\t20\n200B\t\n")
        text = Path(folder) / "text"
        text.write_text("\n".join(TEXTS))
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=folder + "/m", vocab_size=120, normalization_rule_tsv=str(rules), minloglevel=2)
        model = pb.ModelProto()
        model.ParseFromString((Path(folder) / "m.model").read_bytes())
        return model.normalizer_spec.precompiled_charsmap


def chosen():
    for name, make in cases(TEXTS, "/nowhere"):
        if any(name.startswith(c) for c in CHOSEN):
            yield name, make()
    yield "Precompiled", unigram((TEXTS + ["A B \u00c1 f \u00c1A"]) * 4, normalizer=normalizers.Sequence([normalizers.Precompiled(small_map()), normalizers.Strip(False, True)]), pre=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
    # learnt without cuts, so that tokens would join what is cut
    for name, pre in (("scripts", split(Regex(r"\p{Han}+|\w+"))), ("previous", split(Regex("[aeiou]"), "merged_with_previous")),
                      ("next", split(Regex("[aeiou]"), "merged_with_next", True))):
        tokenizer = bpe((TEXTS + MORE) * 2, size=600)
        tokenizer.pre_tokenizer = pre
        yield name, tokenizer
    yield "unknown letters", Tokenizer(models.Unigram([("<unk>", 0), ("ab", -15), ("b", -1), ("c", -20), ("q", -4), ("qqq", -9)], 0))  # "<unk>" spelled out joins unknown letters
    words = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##a": 2, "q": 3, "##q": 4}, unk_token="[UNK]", max_input_chars_per_word=3))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    yield "long words", words


for name, tokenizer in chosen():
    found = []
    for text in TEXTS + MORE:
        for specials in (True, False):
            tokenizer.encode_special_tokens = not specials
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            if specials or "<unk>" not in text and not any(tokenizer.id_to_token(i) in ("<s>", "</s>", "[MASK]") for i in ids):
                found.append({"text": text, "specials": specials, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
    path = ROOT / "tests" / "golden" / "tokenizers" / (re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") + ".json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"name": name, "texts": found, "tokenizer": json.loads(tokenizer.to_str())}, ensure_ascii=False, separators=(",", ":")) + "\n")

# ---- SentencePiece's own files, and its ids ----


AROUND_SYMBOLS = ["a<sym>b", "a <sym> b", "<sym>b", " <sym> b", "<sym>", "<sym><sym>", "moonmoon honeymoon", "▁<sym>▁a", "▁moon", " moon", "x<sym>  "]


def trained(name, **options):
    folder = ROOT / "tests" / "golden" / "tokenizer_files"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "text").write_text("\n".join(t.replace("\n", " ") for t in TEXTS[:4]))
        (Path(scratch) / "rules.tsv").write_text("FF21\t41\nFF21 301\tC1\n65 301\tE9\nFB01\t66 69\n3000\t20\n9\t20\n200B\t\n")
        sentencepiece.SentencePieceTrainer.train(input=scratch + "/text", model_prefix=str(folder / name), vocab_size=110 + 256 * options.get("byte_fallback", False),
                                                 minloglevel=2, hard_vocab_limit=False, normalization_rule_tsv=scratch + "/rules.tsv", **options)
    (folder / (name + ".vocab")).unlink()
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / (name + ".model")))
    texts = [t for t in TEXTS + MORE if "<s>" not in t and "\n" not in t] + (AROUND_SYMBOLS if "user_defined_symbols" in options else [])
    found = [{"text": t, "ids": model.encode(t), "decoded": model.decode(model.encode(t))} for t in texts]
    (folder / (name + ".json")).write_text(json.dumps({"texts": found}, ensure_ascii=False, separators=(",", ":")) + "\n")


trained("unigram", model_type="unigram")
trained("unigram_bytes", model_type="unigram", byte_fallback=True, remove_extra_whitespaces=False, add_dummy_prefix=False)
trained("bpe", model_type="bpe", user_defined_symbols=["moon"])
trained("bpe_bytes", model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False)
SYMBOLS = dict(byte_fallback=True, remove_extra_whitespaces=False, user_defined_symbols=["moon", "<sym>"])
trained("bpe_symbols", model_type="bpe", **SYMBOLS)
trained("unigram_symbols", model_type="unigram", **SYMBOLS)
