#!/usr/bin/env python3
"""Models of Marian with the tokenizer that opus-mt is published with (source.spm, target.spm, vocab.json) against transformers:
ids, decoded texts, greedy texts and beams. Development only.

    test_opus_mt.py INKSTONE LIBINKSTONE.SO      exit 1 where something differs, 77 where a package is absent
"""
import json
import math
import os
import random
import sys

library = sys.argv[2]
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "text"))
from peer import check, failed, run

try:
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

from library import Tokenizer as Ours

torch.manual_seed(5)
torch.set_num_threads(1)
draw = random.Random(3)
WORDS = {"source": ["house", "cat", "dog", "sees", "the", "a", "red", "blue", "garden", "night", "Über", "naïve"],
         "target": ["maison", "chat", "chien", "voit", "le", "un", "rouge", "bleue", "jardin", "nuit", "漢字", "été"]}


def sentence(words):
    return " ".join(draw.choice(words) for _ in range(draw.randrange(1, 9))) + draw.choice([".", "!", "", " ?", " ,"])


os.mkdir("opus")
vocabulary = {"</s>": 0, "<unk>": 1, ">>fra<<": 2, ">>deu<<": 3}
for side, words in WORDS.items():
    with open("text", "w", encoding="utf-8") as f:
        f.write("\n".join(sentence(words) for _ in range(600)))
    sentencepiece.SentencePieceTrainer.train(input="text", model_prefix="opus/" + side, model_type="unigram", vocab_size=60, hard_vocab_limit=False,
                                             minloglevel=2, normalization_rule_name="nmt_nfkc")
    os.rename(f"opus/{side}.model", f"opus/{side}.spm")
    spm = sentencepiece.SentencePieceProcessor(model_file=f"opus/{side}.spm")
    for i in range(3, spm.vocab_size()):
        if i % 7 != 5:  # as in published ones, some pieces are not in the vocabulary
            vocabulary.setdefault(spm.id_to_piece(i), len(vocabulary))
vocabulary["<pad>"] = len(vocabulary)
with open("opus/vocab.json", "w", encoding="utf-8") as f:
    json.dump(vocabulary, f)
with open("opus/tokenizer_config.json", "w", encoding="utf-8") as f:
    json.dump({"source_lang": "en", "target_lang": "fr", "tokenizer_class": "MarianTokenizer"}, f)
tokenizer = MarianTokenizer.from_pretrained("opus")
pad = vocabulary["<pad>"]
model = MarianMTModel(MarianConfig(vocab_size=len(vocabulary), d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4,
                                   decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=40, max_position_embeddings=64, eos_token_id=0,
                                   pad_token_id=pad, decoder_start_token_id=pad, bos_token_id=None, forced_eos_token_id=0, scale_embedding=True,
                                   activation_function="swish")).eval()
for name, p in model.named_parameters():
    if "embed_positions" not in name:
        torch.nn.init.normal_(p, std=0.25) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
model.final_logits_bias[0, 0] += 3
model.save_pretrained("opus")

PIECES = [p.replace("▁", " ") for p in vocabulary if not p.startswith((">>", "<"))] + ["漢字", "漢", "é", "🙂", " ", "  ", "ﬁ", "１２", "½", "…", "\t", "q", "Z"]
texts = [sentence(WORDS["source"]) for _ in range(60)] + [">>fra<< " + sentence(WORDS["source"]) for _ in range(30)] + \
        [">>deu<<" + sentence(WORDS["source"]) for _ in range(10)] + [sentence(WORDS["target"]) for _ in range(20)] + \
        ["".join(draw.choice(PIECES) for _ in range(draw.randrange(1, 14))) for _ in range(120)]
source, target = Ours(library, "opus/source.spm"), Ours(library, "opus/target.spm")
wrong = []
for text in texts:
    wanted = tokenizer(text)["input_ids"]
    if wanted[-1:] != [0] or source.encode(text, False) != wanted[:-1]:
        wrong.append(("ids", text, source.encode(text, False), wanted))
    ids = [draw.randrange(len(vocabulary)) for _ in range(draw.randrange(1, 20))]
    for some in (ids, tokenizer(text_target=text)["input_ids"]):
        said = tokenizer.decode(some, skip_special_tokens=True)
        if target.decode(some).strip() != said.strip():  # MarianTokenizer drops spaces at the end, too
            wrong.append(("text", some, target.decode(some), said))
    if target.encode(text, False) != tokenizer(text_target=text)["input_ids"][:-1]:
        wrong.append(("ids of targets", text))
unknown = sum(tokenizer(text)["input_ids"].count(1) for text in texts)
check(f"{len(texts)} texts, {unknown} unknown pieces", not wrong and unknown > 50, wrong[:6] or "")
for beam in (1, 4):
    for text in texts[:12] + texts[60:66] + texts[-12:]:
        if not text.strip():
            continue
        mine = [json.loads(line) for line in run("translate", "-m", "opus", text.strip(), "--json", "--beam", beam, "--n-best", beam, "--max-tokens", 20,
                                                 "-q").splitlines()]
        theirs = model.generate(**tokenizer([text.strip()], return_tensors="pt"), num_beams=beam, num_return_sequences=beam, do_sample=False,
                                max_new_tokens=20)
        said = [tokenizer.decode(row, skip_special_tokens=True) for row in theirs]
        same = [m["text"].strip() for m in mine] == [t.strip() for t in said]
        if not same:
            check(f"beam {beam} {text!r}", False, ([m["text"] for m in mine], said))
    check(f"beam {beam}", not failed)
pairs = [(sentence(WORDS["source"]), sentence(WORDS["target"])) for _ in range(20)]
with open("pairs.tsv", "w", encoding="utf-8") as f:
    f.writelines(f"{s}\t{t}\n" for s, t in pairs)
nats = tokens = 0
for s, t in pairs:
    labels = tokenizer(text_target=t, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        nats += float(model(**tokenizer([s], return_tensors="pt"), labels=labels).loss) * labels.numel()
    tokens += labels.numel()
scored = json.loads(run("eval", "-m", "opus", "pairs.tsv", "--no-decode", "--json", "-q"))["perplexity"]
check("perplexity of targets", abs(scored / math.exp(nats / tokens) - 1) < 1e-4, (scored, math.exp(nats / tokens)))
run("convert", "opus", "converted", "-q")
check("converted", run("translate", "-m", "opus", texts[0], "-q") == run("translate", "-m", "converted", texts[0], "-q"))
if failed:
    sys.exit(f"{len(failed)} different: {failed}")
