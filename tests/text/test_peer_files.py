#!/usr/bin/env python3
"""Tokenizers in other files than tokenizer.json against SentencePiece, tiktoken and Hugging Face tokenizers. Development only.

    test_peer_files.py LIBINKSTONE.SO SHARED     exit 1 where something differs, 77 where a package is absent
"""
import base64
import glob
import gzip
import json
import os
import random
import re
import sys
import tempfile

try:
    import sentencepiece
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken_ext import openai_public
    from tokenizers import BertWordPieceTokenizer, Tokenizer
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)
from library import Tokenizer as Ours
from test_hf_kinds import corpus, random_texts

library, shared = sys.argv[1:3]
lines = corpus(shared)
count = int(os.environ.get("INKSTONE_TEXTS", "400"))
failed = []


# The class T5Tokenizer cuts at all white space, and LlamaTokenizer with "legacy" adds no space before a space or U+2581.
KEPT = {"T50": lambda t: not re.search(r"[^\S ]|[\x1c-\x1f\u200b\ufeff]|▁", t), "Llama1": lambda t: not re.search(r"(^|<sym>|\n|moon|<s>|</s>|<unk>)[ ▁]", t)}
AROUND_SYMBOLS = ["a<sym>b", "a <sym> b", "<sym>b", " <sym> b", "<sym>", "<sym><sym>", "a\nb", "\n\n b\n", "moonmoon honeymoon", "▁<sym>▁a", "▁moon", " moon", "x<sym>  "]


def compare(name, path, encode, decode=None, keep=lambda text: True, both=(True, False), more=()):
    """encode(text, specials), decode(ids); `both`: special tokens allowed, and not."""
    ours, wrong = Ours(library, path), 0
    texts = [*random_texts(random.Random(5), count, lines), *more, "a<|endoftext|>b <|endofprompt|>", " " * 300, "\n\n\n  x"]
    for text in filter(keep, texts):
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


SYMBOLS = dict(byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=["<sym>", "\n", "moon"])
T5 = dict(SYMBOLS, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, byte_fallback=False, remove_extra_whitespaces=True)


def trained(prefix, folder, options):
    sentencepiece.SentencePieceTrainer.train(input=folder + "/text", model_prefix=prefix, vocab_size=4500, character_coverage=0.99, minloglevel=2,
                                             hard_vocab_limit=False, **options)


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
             dict(model_type="bpe", remove_extra_whitespaces=False, normalization_rule_name="nmt_nfkc"),
             dict(SYMBOLS, model_type="bpe"), dict(SYMBOLS, model_type="unigram"), dict(SYMBOLS, model_type="unigram", add_dummy_prefix=False),
             dict(SYMBOLS, model_type="bpe", add_dummy_prefix=False, remove_extra_whitespaces=True),
             dict(SYMBOLS, model_type="unigram", remove_extra_whitespaces=True)]
    for i, options in enumerate(kinds):
        trained(f"{folder}/kind{i}", folder, options)
        yield f"{folder}/kind{i}.model"


def symbol_models(folder):
    """User-defined symbols, whose surroundings each class of transformers treats in its own way."""
    try:
        import transformers
    except ImportError:
        print("transformers is not installed: its classes are left out")
        return
    transformers.logging.set_verbosity_error()
    classes = [("Llama", "bpe", {}), ("Llama", "bpe", {"legacy": True}), ("CodeLlama", "bpe", {}), ("Gemma", "bpe", {}), ("T5", "unigram", {}), (None, "bpe", {})]
    for name, kind, more in classes:
        place = f"{folder}/{name}{len(more)}"
        os.makedirs(place)
        if name:
            more["tokenizer_class"] = name + "Tokenizer"
        with open(place + "/tokenizer_config.json", "w") as file:
            json.dump(more, file)
        prefix = place + ("/spiece" if name == "T5" else "/tokenizer")
        trained(prefix, folder, T5 if name == "T5" else dict(SYMBOLS, model_type=kind))
        yield place, getattr(transformers, more.get("tokenizer_class", "PreTrainedTokenizerFast")).from_pretrained(place)


def gguf_models(folder):
    """The same symbols in a GGUF file, of the kind "llama", by llama.cpp."""
    try:
        import gguf
        from llama_cpp import Llama
    except ImportError as missing:
        print(f"{missing}: GGUF files are left out")
        return
    trained(folder + "/in_gguf", folder, dict(SYMBOLS, model_type="bpe"))
    spm = sentencepiece.SentencePieceProcessor(model_file=folder + "/in_gguf.model")
    ids = range(spm.vocab_size())
    for space in (True, False):
        path = f"{folder}/space-{space}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tokenizer_model("llama")
        writer.add_token_list([spm.id_to_piece(i) for i in ids])
        writer.add_token_scores([spm.get_score(i) for i in ids])
        writer.add_token_types([6 if spm.is_byte(i) else 3 if spm.is_control(i) else 2 if spm.is_unknown(i) else
                                4 if spm.id_to_piece(i) in SYMBOLS["user_defined_symbols"] else 1 for i in ids])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        writer.add_add_space_prefix(space)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        yield path, Llama(path, vocab_only=True, verbose=False)


def tekken_models():
    """mistral-common's Tekkenizer: its ranks and pattern by tiktoken, behind the special tokens."""
    try:
        import mistral_common
    except ImportError:
        return
    for path in sorted(glob.glob(os.path.dirname(mistral_common.__file__) + "/data/tekken*.json")):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        specials, size = (content["config"][f"default_{key}"] for key in ("num_special_tokens", "vocab_size"))
        ranks = {base64.b64decode(each["token_bytes"]): each["rank"] for each in content["vocab"][: size - specials]}
        peer = tiktoken.Encoding("tekken", pat_str=content["config"]["pattern"], mergeable_ranks=ranks, special_tokens={})
        yield path, lambda t, s: [i + specials for i in peer.encode(t, disallowed_special=())], lambda ids: peer.decode([i - specials for i in ids])


def wordpiece_models(folder):
    """BERT's vocab.txt, trained by tokenizers: letters changed or not, accents taken off or not."""
    for lower, accents, chinese in ((True, None, True), (False, None, False), (False, True, True), (True, False, True)):
        peer = BertWordPieceTokenizer(lowercase=lower, strip_accents=accents, handle_chinese_chars=chinese)
        peer.train_from_iterator(lines[::5], vocab_size=3000, show_progress=False)
        place = f"{folder}/bert-{lower}-{accents}"
        os.makedirs(place)
        peer.save_model(place)
        with open(place + "/tokenizer_config.json", "w") as file:
            json.dump({"tokenizer_class": "BertTokenizer", "do_lower_case": lower, "strip_accents": accents, "tokenize_chinese_chars": chinese}, file)
        yield place, BertWordPieceTokenizer(place + "/vocab.txt", lowercase=lower, strip_accents=accents, handle_chinese_chars=chinese)


def rwkv_models():
    try:
        from rwkv import rwkv_tokenizer
    except ImportError:
        print("rwkv is not installed: its vocabulary is left out")
        return
    for path in sorted(glob.glob(os.path.dirname(rwkv_tokenizer.__file__) + "/rwkv_vocab*.txt")):
        yield path, rwkv_tokenizer.TRIE_TOKENIZER(path)


with tempfile.TemporaryDirectory() as scratch:
    for path, encode, decode in tekken_models():
        compare(path, path, encode, decode, both=(False,))
    for path, bert in wordpiece_models(scratch):
        compare(path, path, lambda t, s: bert.encode(t, add_special_tokens=False).ids, both=(True,))
    for path, rwkv in rwkv_models():
        # its tokenizer takes text only, and has no special tokens
        compare(path, path, lambda t, s: rwkv.encode(t), rwkv.decode, lambda t: "<|" not in t, (False,))
    for path in models(scratch):
        peer = sentencepiece.SentencePieceProcessor(model_file=path)
        compare(path, path, lambda t, s: peer.encode(t), peer.decode, both=(False,), more=AROUND_SYMBOLS)
    for path, peer in gguf_models(scratch):
        compare(path, path, lambda t, s: peer.tokenize(t.encode(), add_bos=False, special=s), more=AROUND_SYMBOLS)
    for path, peer in symbol_models(scratch):
        compare(path, path, lambda t, s: peer.encode(t, add_special_tokens=False), keep=KEPT.get(os.path.basename(path), lambda t: True), both=(True,),
                more=AROUND_SYMBOLS)
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
