#!/usr/bin/env python3
"""Translation speed in sentences/s: Inkstone against PyTorch (transformers' generate) and CTranslate2, same weights, run alternately.

    bench/peers/translate.py INKSTONE [MODEL LINES] [--shape tiny|base] [--types f32,q8_0] [--beams 1,5] [--rounds 3] [--limit N]
                             [--peers torch,float32,int8] [--threads N]

MODEL is a directory that all programs read (--arch marian). Without it: random weights in the shape of Multi30k's Transformer-Tiny, or of
Transformer base (61M parameters), and 256 sentences of made-up words, each translated to 20 tokens. Inkstone keeps its weights in each of
--types, CTranslate2 in each of --peers; q8_0 and int8 correspond. Settings favour the peers: sentences sorted by length, the best of several
batch sizes, for CTranslate2 also of one or several translations in parallel (chosen first, not timed), inference mode, all threads. The clock
starts after the models are loaded and, for the peers, after the texts are tokenized; Inkstone gets lines and answers lines. The translations
are compared. CTranslate2 uses MKL on Intel processors, else oneDNN; CT2_USE_MKL=1 in the environment selects MKL elsewhere.
"""
import argparse
import fcntl
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("model", nargs="?")
parser.add_argument("lines", nargs="?")
parser.add_argument("--shape", default="tiny", choices=("tiny", "base"))
parser.add_argument("--types", default="f32,q8_0", help="of Inkstone's weights")
parser.add_argument("--beams", default="1,5")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--limit", type=int, default=0)
parser.add_argument("--most", type=int, help="tokens per translation")
parser.add_argument("--batches", default="16,64,256", help="batch sizes to try for the peers")
parser.add_argument("--peers", default="torch,float32,int8")
parser.add_argument("--texts", help="write the translations to files whose names begin with this")
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
if args.model and not args.lines:
    parser.error("MODEL is given without LINES: give a file of lines to translate")

import torch
import transformers
from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

torch.set_num_threads(args.threads)
transformers.utils.logging.disable_progress_bar()
MOST = args.most or (100 if args.model else 20)
LAYERS, WIDTH, HEADS, FFN, VOCABULARY = {"tiny": (4, 128, 4, 256, 10000), "base": (6, 512, 8, 2048, 32000)}[args.shape]


def made_up(folder, words=2 * VOCABULARY, sentences=256):
    """Random weights, and sentences. A bias allows only letters, so every translation has all its tokens and is one line."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    draw = random.Random(1)
    known = ["".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(draw.randint(1, 4))) for _ in range(words)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.train_from_iterator([" ".join(draw.choices(known, k=12)) for _ in range(words)],
                                  trainers.BpeTrainer(vocab_size=VOCABULARY - 2, show_progress=False,
                                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens(["<|endoftext|>", "<|pad|>"])
    size = tokenizer.get_vocab_size()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|pad|>").save_pretrained(folder)
    torch.manual_seed(1)
    model = MarianMTModel(MarianConfig(
        vocab_size=size, d_model=WIDTH, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS, encoder_ffn_dim=FFN, decoder_ffn_dim=FFN, max_position_embeddings=128, activation_function="relu",
        scale_embedding=True,
        tie_word_embeddings=True, share_encoder_decoder_embeddings=True, init_std=0.1, eos_token_id=size - 2, forced_eos_token_id=None,
        pad_token_id=size - 1, decoder_start_token_id=size - 1))
    letters = lambda t: t.isascii() and t.isalpha()
    model.final_logits_bias[0, [i for t, i in tokenizer.get_vocab().items() if not letters(t.strip("\u0120"))]] = -1e4
    model.save_pretrained(folder)
    return [" ".join(draw.choices(known, k=draw.randint(6, 18))) for _ in range(sentences)]


# ---- peers: each returns its ways to translate, functions of beam and batch size ----

def decode(rows):
    return [tokenizer.decode(row, skip_special_tokens=True) for row in rows]


def pytorch(_):
    model = MarianMTModel.from_pretrained(args.model, dtype=torch.float32).eval()
    pad, end = model.config.pad_token_id, model.config.eos_token_id
    ids = [tokenizer(line, add_special_tokens=False)["input_ids"] + [end] for line in lines]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))

    def translate(beam, batch):
        out = [None] * len(ids)
        start = time.perf_counter()
        with torch.inference_mode():
            for at in range(0, len(order), batch):
                part = order[at:at + batch]
                longest = max(len(ids[i]) for i in part)
                source = torch.tensor([ids[i] + [pad] * (longest - len(ids[i])) for i in part])
                mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in part])
                found = model.generate(source, attention_mask=mask, num_beams=beam, do_sample=False, early_stopping=True, max_new_tokens=MOST,
                                       length_penalty=1.0, no_repeat_ngram_size=0, bad_words_ids=[[pad]])
                for i, row in zip(part, found):
                    out[i] = row
        seconds = time.perf_counter() - start
        return seconds, decode(out)

    return {"": translate}


def ctranslate2_(kind):
    import ctranslate2
    from ctranslate2.converters import transformers as converters

    class Loader(converters.BartLoader):
        """CTranslate2's loader for Marian starts from a zero embedding and drops the last token; this model starts from the padding token."""
        architecture_name = "MarianMTModel"

        def get_model_spec(self, model):
            model.config.normalize_before = model.config.normalize_embedding = False
            return super().get_model_spec(model)

        def set_config(self, config, model, tokenizer):
            config.bos_token = config.eos_token = tokenizer.eos_token
            config.unk_token = config.decoder_start_token = tokenizer.pad_token  # never unknown: all bytes are tokens

    converters._MODEL_LOADERS["MarianConfig"] = Loader()
    source = [tokenizer.convert_ids_to_tokens(tokenizer(line, add_special_tokens=False)["input_ids"]) + [tokenizer.eos_token] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        converters.TransformersConverter(args.model).convert(folder, force=True)
        models = {n: ctranslate2.Translator(folder, device="cpu", compute_type=kind, inter_threads=n, intra_threads=max(1, args.threads // n))
                  for n in sorted({1, args.threads})}

    def with_model(model):
        def translate(beam, batch):
            start = time.perf_counter()
            found = model.translate_batch(source, max_batch_size=batch, beam_size=beam, length_penalty=1, max_decoding_length=MOST,
                                          suppress_sequences=[[tokenizer.pad_token]])
            seconds = time.perf_counter() - start
            return seconds, decode([tokenizer.convert_tokens_to_ids(r.hypotheses[0]) for r in found])
        return translate

    return {f", {n} in parallel": with_model(model) for n, model in models.items()}


class Ours:
    """`inkstone translate`, which answers the lines that it is sent; the first time is told from its start on."""

    def __init__(self, kind, beam):
        time.sleep(0.5)  # PyTorch's threads spin for a while
        self.start = time.perf_counter()
        self.process = subprocess.Popen([args.inkstone, "translate", "-m", args.model, "--type", kind, "--beam", str(beam), "--max-tokens", str(MOST), "-q",
                                         "--length-penalty", "1", "--threads", str(args.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        fcntl.fcntl(self.process.stdin, fcntl.F_SETPIPE_SZ, 1 << 20)  # so that all lines are there at once
        self.translate()
        self.first = time.perf_counter() - self.start

    def translate(self):
        start = time.perf_counter()
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()
        texts = [self.process.stdout.readline().rstrip("\n") for _ in lines]
        return time.perf_counter() - start, texts

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- both ----

with tempfile.TemporaryDirectory() as folder:
    if args.model:
        lines = open(args.lines, encoding="utf-8").read().splitlines()
    else:
        args.model, lines = folder, made_up(folder)
    lines = lines[:args.limit or None]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(args.model)
    versions = {"torch": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    peers = {}
    for name in filter(None, args.peers.split(",")):
        if name != "torch" and not importlib.util.find_spec("ctranslate2"):
            print(f"translate.py: CTranslate2 {name} skipped: {sys.executable} has no ctranslate2", file=sys.stderr)
            continue
        if name != "torch":
            import ctranslate2
            versions["ctranslate2"] = f"CTranslate2 {ctranslate2.__version__}"
        peers["PyTorch" if name == "torch" else "CTranslate2 " + name] = (pytorch if name == "torch" else ctranslate2_)(name)
    version = subprocess.run([args.inkstone, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{len(lines)} sentences, {args.threads} threads; {version}; {', '.join(versions.values())}, Python {sys.version.split()[0]}", flush=True)
    for beam in map(int, args.beams.split(",")):
        ours = {"Inkstone " + kind: Ours(kind, beam) for kind in args.types.split(",")}
        choice, seconds, texts = {}, {name: [] for name in [*ours, *peers]}, {}
        for name, ways in peers.items():
            tried = {(way, batch): ways[way](beam, batch)[0] for way in ways for batch in map(int, args.batches.split(","))}
            choice[name] = min(tried, key=tried.get)
        for _ in range(args.rounds):
            for name in seconds:
                way, batch = choice.get(name, (None, 0))
                took, texts[name] = ours[name].translate() if name in ours else peers[name][way](beam, batch)
                seconds[name].append(took)
        median = {name: statistics.median(all) for name, all in seconds.items()}
        print(f"beam {beam}, sentences/s, median (best):")
        for name in median:
            way, batch = choice.get(name, ("", 0))
            how = f"from the start on {ours[name].first:.2f} s" if name in ours else f"batches of {batch}{way}"
            ratios = "".join(f"; {one} {median[name] / median[one]:.2f} times as fast, {sum(map(str.__eq__, texts[one], texts[name]))} texts equal"
                             for one in ours if one != name)
            print(f"  {name} {len(lines) / median[name]:.1f} ({len(lines) / min(seconds[name]):.1f}), {how}{ratios}", flush=True)
        for process in ours.values():
            process.close()
        for name in texts if args.texts else ():
            with open(f"{args.texts}.{name.replace(' ', '-')}.{beam}", "w", encoding="utf-8") as f:
                f.writelines(text + "\n" for text in texts[name])
