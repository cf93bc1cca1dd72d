#!/usr/bin/env python3
"""Ids and decoded text against Hugging Face tokenizers, of every kind of step. Development only.

    test_hf_kinds.py LIBINKSTONE.SO SHARED [NAME]    exit 1 where something differs, 77 where `tokenizers` is absent

INKSTONE_TEXTS: how many texts, 300. Tokenizers are learnt from text in SHARED/data where it is, else from the texts below; random texts have emoji, joiners,
combining marks, letters of many scripts, added tokens.
"""
import glob
import json
import os
import random
import re
import sys
import tempfile
import unicodedata

try:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)
from library import Tokenizer as Ours

TEXTS = ["The moon's light, 1,234 stars: don't look!", "ﬁne Ａ２ café naïve Ünïcode İstanbul ΣΑΣ ǅ", "床前明月光，疑是地上霜。", "ひらがなとカタカナ 한국어 ไทย हिन्दी",
         "🙂👩‍👩‍👧🏽🇨🇳 e\u0301 a\u0308\u0301", "tabs\tand\nlines\r\n  spaces\u3000\xa0here", "snake_case __init__ x²+½ №5 12345678", "“quotes” — dash… ▁mark ##x </w>"]
ALPHABET = (list("abcdefghijklmnopqrstuvwxyzABC 0123456789.,;:!?'\"-_()[]{}<>@#$%^&*+=|\\/~`") + list("     \n\t\r") +
            [chr(c) for c in (0xE9, 0xC5, 0x130, 0x131, 0x3A3, 0x3C3, 0xDF, 0x1C5, 0xFB01, 0xFF21, 0xFF12, 0x2460, 0x24B6, 0x1F130, 0xBD, 0xB2, 0x2162, 0x301, 0x308, 0x327, 0x5B0,
                              0x94D, 0x200B, 0x200C, 0x200D, 0xFE0F, 0x1F642, 0x1F469, 0x1F3FD, 0x1F1E8, 0x1F1F3, 0x4E2D, 0x6708, 0x3042, 0x30AB, 0x30FC, 0xAC00,
                              0x1100, 0x1161, 0xE01, 0xE33, 0x939, 0x93F, 0x627, 0x5D0, 0x416, 0x3000, 0xA0, 0x2003, 0x2028, 0x85, 0x2581, 0x3002, 0xFF0C, 0x2014,
                              0x2026, 0x201C, 0xFEFF, 0xFFFD, 0x7F, 0x1, 0x20000, 0x212B, 0x1E9B, 0x323, 0xF900, 0x2F800)])
PIECES = ["the", " the", "moon", "<s>", "</s>", "[MASK]", "[UNK]", "<unk>", " don't", "'ll", "  ", "明月", "<|x|>", "e\u0301", "👩‍👩‍👧", "Ａ\u0301", "١٢٣", "12345"]


def corpus(shared):
    files = glob.glob(shared + "/data/tokenizers/cs336/*.txt") + glob.glob(shared + "/data/tokenizers/sentencepiece/*.txt") + glob.glob(
        shared + "/data/text/chinese_poetry/tang.test.tsv") + glob.glob(shared + "/data/translate/tatoeba_en_zh/cmn.txt")
    lines = []
    for name in sorted(files):
        lines += open(name, encoding="utf-8", newline="").read().split("\n")[:1500]
    return lines or TEXTS * 20


def random_texts(draw, count, lines):
    for i in range(count):
        if i % 4 == 0:
            yield draw.choice(lines)
        elif i % 4 == 1:
            yield "".join(draw.choice(PIECES + ALPHABET + [draw.choice(lines)[:20]]) for _ in range(draw.randrange(12)))
        elif i % 4 == 2:
            yield "".join(draw.choice(ALPHABET) for _ in range(draw.randrange(40)))
        else:  # any assigned characters, of old versions of Unicode as tables differ in the newest
            found = [chr(draw.randrange(0x20, 0x2FFFF)) for _ in range(60)]
            yield "".join(c for c in found if c in known)


known = {chr(c) for c in range(0x20, 0x30000) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs")
         and unicodedata.ucd_3_2_0.category(chr(c)) == unicodedata.category(chr(c))}
SIZE = int(os.environ.get("INKSTONE_SIZE", "600"))  # of vocabularies
SPECIALS = [AddedToken(n, special=True, normalized=False) for n in ("<unk>", "<s>", "</s>", "[MASK]")]
BYTES = [f"<0x{i:02X}>" for i in range(256)]


def learnt(model, trainer, lines, normalizer=None, pre=None, decoder=None, post=None, added=()):
    t = Tokenizer(model)
    if normalizer:
        t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    if decoder:
        t.decoder = decoder
    t.train_from_iterator(lines, trainer)
    if post:
        t.post_processor = post
    t.add_tokens(list(added))
    return t


def bpe(lines, size=SIZE, fallback=False, dropout=None, suffix=None, prefix=None, unk="<unk>", alphabet=(), **parts):
    names = {"end_of_word_suffix": suffix, "continuing_subword_prefix": prefix}
    names = {k: v for k, v in names.items() if v}
    model = models.BPE(unk_token=unk, byte_fallback=fallback, fuse_unk=fallback, **names)
    specials = SPECIALS + ([AddedToken(b, special=False) for b in BYTES] if fallback else [])
    trainer = trainers.BpeTrainer(vocab_size=size + 256 * fallback, special_tokens=specials, show_progress=False, initial_alphabet=list(alphabet), limit_alphabet=400, **names)
    t = learnt(model, trainer, lines, **parts)
    if not fallback:
        return t
    data = json.loads(t.to_str())  # bytes are in the vocabulary, but no added tokens
    data["added_tokens"] = [a for a in data["added_tokens"] if a["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(data))


def unigram(lines, fallback=False, **parts):
    lines = lines[::4]
    size = len({c for line in lines for c in unicodedata.normalize("NFKC", line) + line}) + 700
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=SPECIALS + [AddedToken(b, special=False) for b in BYTES if fallback], unk_token="<unk>", show_progress=False)
    t = learnt(models.Unigram(), trainer, lines, **parts)
    data = json.loads(t.to_str())
    data["model"]["byte_fallback"] = fallback
    data["added_tokens"] = [a for a in data["added_tokens"] if a["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(data))


def byte_level(lines, pre, decoder=None, **more):
    return bpe(lines, unk=None, pre=pre, alphabet=pre_tokenizers.ByteLevel.alphabet(), decoder=decoder or decoders.ByteLevel(), **more)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


DEEPSEEK = [Regex(r"\p{N}{1,3}"), Regex("[一-龥\u3040-ゟ゠-ヿ]+"),
            Regex("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")]
BLOOM = Regex(" ?[^(\\s|[.,!?…。，、।۔،])]+")
LLAMA3 = Regex("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")
O200K = Regex("[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
              "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")


def raw(space=False, regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=regex)


def marks_decoder(strip=True):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def charsmap(shared):
    """SentencePiece's nmt_nfkc, from a model in the shared data."""
    import base64
    try:
        from sentencepiece import sentencepiece_model_pb2 as pb
        m = pb.ModelProto()
        m.ParseFromString(open(shared + "/data/tokenizers/sentencepiece/test_model.model", "rb").read())
    except (ImportError, OSError):
        return None
    return base64.b64encode(m.normalizer_spec.precompiled_charsmap).decode()


def cases(lines, shared):
    added = [AddedToken("<|x|>", special=True), AddedToken("moon", single_word=True), AddedToken("明月", lstrip=True), AddedToken("don't", normalized=True, rstrip=True)]
    yield "Metaspace always, byte fallback (Llama 2)", lambda: bpe(lines, fallback=True, pre=pre_tokenizers.Metaspace(), decoder=marks_decoder(), added=added)
    yield "Metaspace first, not split (Mistral)", lambda: bpe(lines, fallback=True, pre=pre_tokenizers.Metaspace(prepend_scheme="first", split=False), decoder=marks_decoder(), added=added)
    yield "Metaspace never", lambda: bpe(lines, pre=pre_tokenizers.Metaspace(prepend_scheme="never"), decoder=decoders.Metaspace(prepend_scheme="never"))
    yield "Prepend and Replace (legacy)", lambda: bpe(lines, fallback=True, normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), decoder=marks_decoder(), added=added)
    yield "Replace, Split ' ' (Gemma)", lambda: bpe(lines, fallback=True, normalizer=normalizers.Replace(" ", "▁"), pre=split(" ", "merged_with_previous"), decoder=marks_decoder(False))
    yield "Digits, ByteLevel (SmolLM)", lambda: byte_level(lines, sequence(pre_tokenizers.Digits(individual_digits=True), raw(regex=True)), added=added)
    yield "Digits together", lambda: byte_level(lines, sequence(pre_tokenizers.Digits(), raw(regex=True)))
    yield "a prefix space", lambda: byte_level(lines, raw(True, True), added=added)
    yield "a prefix space after Split", lambda: byte_level(lines, sequence(split(" ", "removed"), raw(True, False)))
    yield "three Splits (DeepSeek)", lambda: byte_level(lines, sequence(*[split(p) for p in DEEPSEEK], raw()))
    yield "BLOOM", lambda: byte_level(lines, sequence(split(BLOOM), raw()))
    yield "Llama 3", lambda: byte_level(lines, sequence(split(LLAMA3), raw()))
    yield "o200k", lambda: byte_level(lines, sequence(split(O200K), raw()))
    yield "Falcon", lambda: byte_level(lines, sequence(pre_tokenizers.Punctuation("contiguous"), raw(regex=True), pre_tokenizers.Digits(), split(Regex("[0-9][0-9][0-9]"))))
    yield "CLIP", lambda: byte_level(lines, sequence(split(Regex("<\\|x\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"), "removed", True), raw()), suffix="</w>",
                             normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex("\\s+"), " "), normalizers.Lowercase()]))
    yield "the normalizer ByteLevel", lambda: bpe(lines, unk=None, normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()]), decoder=decoders.ByteLevel(),
                                          alphabet=pre_tokenizers.ByteLevel.alphabet(), pre=split("Ġ", "merged_with_next"))
    yield "suffix </w>", lambda: bpe(lines, suffix="</w>", pre=pre_tokenizers.Whitespace(), decoder=decoders.BPEDecoder())
    yield "prefix ##", lambda: bpe(lines, prefix="##", pre=pre_tokenizers.WhitespaceSplit(), decoder=decoders.WordPiece())
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            for pattern in (Regex("[aeiou]|[0-9]+"), " "):
                yield f"Split {behavior} {invert} {pattern if pattern == ' ' else 'regex'}", lambda: bpe(lines, pre=split(pattern, behavior, invert))
        yield f"Punctuation {behavior}", lambda: bpe(lines, pre=pre_tokenizers.Punctuation(behavior))
    yield "CharDelimiterSplit", lambda: bpe(lines, pre=pre_tokenizers.CharDelimiterSplit("e"), decoder=decoders.Fuse())
    for n in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Nmt"):
        yield n, lambda: bpe(lines, normalizer=getattr(normalizers, n)(), pre=pre_tokenizers.WhitespaceSplit(), added=added)
    yield "NFD, StripAccents, Lowercase, Strip", lambda: bpe(lines, normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip(False, True)]), added=added)
    yield "Replace by regex", lambda: bpe(lines, normalizer=normalizers.Sequence([normalizers.Replace(Regex(" {2,}"), "▁"), normalizers.Replace(Regex("\\w\\d"), "<w>")]), decoder=decoders.Sequence([decoders.Replace(Regex("[a-c]+"), "X"), decoders.Strip("t", 1, 0)]))
    bert = dict(pre=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece())
    for options in ({}, {"lowercase": False}, {"strip_accents": False}, {"clean_text": False, "handle_chinese_chars": False}):
        pieces = trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
        yield f"WordPiece {options}", lambda: learnt(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12 if options else 100), pieces, lines, normalizer=normalizers.BertNormalizer(**options), added=added,
                                             post=processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)), **bert)
    yield "WordLevel", lambda: learnt(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=500, special_tokens=["<unk>", "<s>"], show_progress=False), lines, pre=pre_tokenizers.Whitespace(), post=processors.RobertaProcessing(("<s>", 1), ("<unk>", 0)))
    metaspace = dict(pre=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
    yield "Unigram", lambda: unigram(lines, added=added, **metaspace)
    yield "Unigram, byte fallback", lambda: unigram(lines, fallback=True, pre=pre_tokenizers.Metaspace(), decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()]))
    yield "Unigram of whole texts", lambda: unigram(lines, normalizer=normalizers.Replace(" ", "▁"), decoder=marks_decoder())
    words = dict(pre=sequence(pre_tokenizers.Digits(), pre_tokenizers.Whitespace()))
    yield "Unigram, a special word", lambda: with_special_word(unigram(lines, **metaspace))
    yield "WordPiece, a special word", lambda: with_special_word(learnt(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[UNK]"], show_progress=False), lines, **words))
    yield "WordLevel, a special word", lambda: with_special_word(learnt(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=500, special_tokens=["<unk>"], show_progress=False), lines, **words))
    yield "BPE, a special word", lambda: with_special_word(bpe(lines, **words))
    table = charsmap(shared)
    if table:
        precompiled = normalizers.Precompiled(__import__("base64").b64decode(table))
        yield "Precompiled (T5)", lambda: unigram(lines, normalizer=normalizers.Sequence([precompiled, normalizers.Strip(False, True), normalizers.Replace(Regex(" {2,}"), "▁")]), added=added[:1], **metaspace)
        yield "Precompiled, WhitespaceSplit (XLM-R)", lambda: unigram(lines, normalizer=precompiled, pre=sequence(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()), decoder=decoders.Metaspace())


def with_special_word(t):
    """A piece of the vocabulary becomes a special token that is not one within a word."""
    pieces = [p for p in t.get_vocab() if re.fullmatch("[a-z]{1,3}", p)]
    t.add_tokens([AddedToken(max(pieces, key=lambda p: (len(p), -t.token_to_id(p))), special=True, single_word=True)])
    return t


def spells_special(theirs, text, ids):
    """Has the text a special token that their models find in letters, and ours never do? Unigram merges an unknown token
    that is spelled with unknown letters beside it: such a run has no id of its own."""
    for i, token in theirs.get_added_tokens_decoder().items():
        merged = isinstance(theirs.model, models.Unigram) and token.content in text
        alone = r"(?<![^\W\d])%s(?![^\W\d])" % re.escape(token.content)
        if token.special and (i in ids or merged) and not (token.single_word and not re.search(alone, text)):
            return True
    return False


def same_text(ours, theirs):
    """Bytes that are no UTF-8 are bytes here, and one U+FFFD for each of a broken run there."""
    return ours == theirs or "\ufffd" in theirs


def compare(name, theirs, scratch, lines, draw):
    path = os.path.join(scratch, "t.json")
    theirs.save(path)
    try:
        ours = Ours(sys.argv[1], path)
    except AssertionError as e:
        print("REFUSED:", name, e)
        return False
    wrong = 0
    for text in random_texts(draw, int(os.environ.get("INKSTONE_TEXTS", "300")), lines):
        for specials in (True, False):
            theirs.encode_special_tokens = not specials
            wanted, got = theirs.encode(text, add_special_tokens=False).ids, ours.encode(text, specials)
            if not specials and spells_special(theirs, text, wanted):
                continue
            same = all(same_text(ours.decode(wanted, spelled), theirs.decode(wanted, skip_special_tokens=not spelled)) for spelled in (False, True))
            if got != wanted or not same:
                wrong += 1
                if wrong <= 2:
                    print("DIFFERENT:", name, repr(text), "specials" if specials else "letters")
                    if got != wanted:
                        print("  ours  ", [theirs.id_to_token(i) for i in got], "\n  theirs", [theirs.id_to_token(i) for i in wanted])
                    if not same:
                        for spelled in (False, True):
                            print("  ours  ", repr(ours.decode(wanted, spelled)), "\n  theirs", repr(theirs.decode(wanted, skip_special_tokens=not spelled)))
    print("ok:" if not wrong else f"{wrong} WRONG:", name)
    return not wrong


if __name__ == "__main__":
    text = corpus(sys.argv[2])
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(n, make(), folder, text, random.Random(7)) for n, make in cases(text, sys.argv[2]) if only in n]
    sys.exit(0 if all(results) else 1)
