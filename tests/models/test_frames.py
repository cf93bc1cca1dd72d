#!/usr/bin/env python3
"""What stands around a source: BART, mBART, mBART-50, M2M100 and NLLB with transformers' tokenizers, on 300 texts each. Models with random
weights translate every text; another id, or one at another place, would change the score of the best beam. Development only.

    test_frames.py INKSTONE SHARED      exit 1 where something differs, 77 where transformers, torch, sentencepiece or SHARED is absent
"""
import json
import os
import random
import sys

from peer import check, failed, run

try:
    import sentencepiece
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import (BartConfig, BartForConditionalGeneration, BartTokenizer, M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer,
                              MBart50Tokenizer, MBartConfig, MBartForConditionalGeneration, MBartTokenizer, NllbTokenizer)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)
shared = os.path.join(sys.argv[2], "data", "text")
if not os.path.isdir(shared):
    print("SKIP: no", shared)
    sys.exit(77)

torch.manual_seed(5)
torch.set_num_threads(1)
COUNT, LONGEST, NEW = 300, 40, 3
COMMON = ["<s>", "<pad>", "</s>", "<unk>"]
SHAPE = dict(d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=2, encoder_ffn_dim=48,
             decoder_ffn_dim=40, max_position_embeddings=128, bos_token_id=0, pad_token_id=1, eos_token_id=2, scale_embedding=True,
             activation_function="relu", forced_eos_token_id=None, forced_bos_token_id=None)

draw = random.Random(11)
lines = []
for folder in sorted(os.listdir(shared)):
    for name in sorted(os.listdir(os.path.join(shared, folder))):
        if name.endswith(".txt") and name != "SOURCE.txt":
            with open(os.path.join(shared, folder, name), encoding="utf-8") as file:
                lines += [line for line in file.read(400000).split("\n") if line.strip()]
draw.shuffle(lines)
learnt = lines[:2000]
odd = [*"é ﬁ１漢　ß̈\u0301👍🏽q~", "  ", " the ", "▁"]  # special tokens are letters here
texts = [line[:LONGEST].strip() for line in lines[-COUNT * 2 // 3:]]
while len(texts) < COUNT:
    text = "".join(draw.choice(odd + lines[:20][draw.randrange(20)].split()) for _ in range(draw.randrange(1, 9))).strip()
    texts += [text[:LONGEST].strip()] * bool(text[:LONGEST].strip())


def bpe(alphabet, special):
    t = Tokenizer(models.BPE(unk_token=None if alphabet else "<unk>"))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if alphabet else pre_tokenizers.Metaspace()
    t.train_from_iterator(learnt, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False, limit_alphabet=400,
                                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else []))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], [tuple(m) for m in model["merges"]]


def unigram(common):
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.train_from_iterator(learnt, trainers.UnigramTrainer(vocab_size=600, unk_token="<unk>", show_progress=False))
    return [(c, 0.0) for c in common] + [tuple(p) for p in json.loads(t.to_str())["model"]["vocab"] if p[0] not in COMMON]


def compare(name, model, tokenizer, *flags, ids=None, **begin):
    for module in model.modules():
        module.requires_grad_("Sinusoidal" not in type(module).__name__)
    for p in filter(lambda p: p.requires_grad, model.parameters()):
        torch.nn.init.normal_(p, std=0.25) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    model.eval()
    model.save_pretrained(name)
    made = [json.loads(line) for line in run("translate", "-m", name, *flags, "--json", "--beam", 2, "--max-tokens", NEW, "-q",
                                             text="\n".join(texts) + "\n").splitlines()]
    assert len(made) == COUNT, len(made)
    wrong, framed = [], ids or (lambda text: tokenizer(text)["input_ids"])
    for text, mine in zip(texts, made):
        found = model.generate(torch.tensor([framed(text)]), num_beams=2, do_sample=False, max_new_tokens=NEW, return_dict_in_generate=True,
                               output_scores=True, **begin)
        if abs(mine["score"] - found.sequences_scores[0].item()) > 1e-3:
            wrong.append((text, mine["score"], found.sequences_scores[0].item()))
    check(f"{name}: {COUNT} texts", not wrong, (len(wrong), wrong[:3]))


vocab, merges = bpe(True, COMMON + ["<mask>"])
bart = BartTokenizer(vocab=vocab, merges=merges)
bart.save_pretrained("bart")
compare("bart", BartForConditionalGeneration(BartConfig(vocab_size=len(bart), decoder_start_token_id=2, **SHAPE)), bart)

vocab, merges = bpe(False, COMMON)
nllb = NllbTokenizer(vocab=vocab, merges=merges, extra_special_tokens=["eng_Latn", "zho_Hans"], src_lang="zho_Hans")
nllb.save_pretrained("nllb")
compare("nllb", M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(nllb), decoder_start_token_id=2, **SHAPE)), nllb,
        "--from-lang", "zho_Hans", "--to-lang", "eng_Latn", forced_bos_token_id=nllb.convert_tokens_to_ids("eng_Latn"))

with open("text", "w", encoding="utf-8") as file:
    file.write("\n".join(learnt))
sentencepiece.SentencePieceTrainer.train(input="text", model_prefix="pieces", model_type="unigram", vocab_size=600, hard_vocab_limit=False, character_coverage=0.98,
                                         minloglevel=2)
pieces = sentencepiece.SentencePieceProcessor(model_file="pieces.model")
with open("ids.json", "w", encoding="utf-8") as file:
    json.dump({token: i for i, token in enumerate(COMMON + [pieces.id_to_piece(i) for i in range(3, pieces.vocab_size())])}, file)
m2m100 = M2M100Tokenizer("ids.json", "pieces.model")
m2m100.save_pretrained("m2m100")
of = m2m100.lang_code_to_id
size = len(m2m100.encoder) + len(m2m100.lang_token_to_id)
compare("m2m100", M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, decoder_start_token_id=2, **SHAPE)), m2m100, "--from-lang", "zh", "--to-lang", "en",
        ids=lambda text: [of["zh"]] + m2m100(text, add_special_tokens=False)["input_ids"] + [2], forced_bos_token_id=of["en"])

for name, kind, prefix in (("mbart50", MBart50Tokenizer, True), ("mbart", MBartTokenizer, False)):
    tokenizer = kind(vocab=unigram(COMMON[:3] if prefix else COMMON), src_lang="zh_CN")
    tokenizer.save_pretrained(name)
    target = tokenizer.convert_tokens_to_ids("en_XX")
    config = MBartConfig(vocab_size=len(tokenizer), decoder_start_token_id=2 if prefix else 0, **SHAPE)
    compare(name, MBartForConditionalGeneration(config), tokenizer, "--from-lang", "zh_CN", "--to-lang", "en_XX",
            **(dict(forced_bos_token_id=target) if prefix else dict(decoder_start_token_id=target)))
sys.exit(1 if failed else 0)
