#!/usr/bin/env python3
"""Models of several languages (M2M100, NLLB, mBART-50, mBART) against transformers: the same beams and scores by --from-lang
and --to-lang, the same loss. Development only.

    test_languages.py INKSTONE      exit 1 where something differs, 77 where transformers, torch or tokenizers is absent
"""
import json
import random
import subprocess
import sys

from peer import check, failed, inkstone

try:
    import torch
    import sentencepiece
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import (M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer, MBart50Tokenizer, MBartConfig,
                              MBartForConditionalGeneration, MBartTokenizer, NllbTokenizer)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(5)
torch.set_num_threads(1)
TEXTS = ["one red cat sees a house", "two blue dogs, and one cat!", "ein rotes Haus", "un chat", "the house sees two cats"]
COMMON = ["<s>", "<pad>", "</s>", "<unk>"]
SHAPE = dict(d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=2, encoder_ffn_dim=48,
             decoder_ffn_dim=40, max_position_embeddings=64, bos_token_id=0, pad_token_id=1, eos_token_id=2, scale_embedding=True,
             activation_function="relu", forced_eos_token_id=None)


def run(*command):
    return subprocess.run([inkstone, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def bpe_pieces():
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=90, special_tokens=COMMON, show_progress=False))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], [tuple(m) for m in model["merges"]]


def unigram_pieces(common):
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.train_from_iterator(TEXTS * 3, trainers.UnigramTrainer(vocab_size=70, unk_token="<unk>", show_progress=False))
    return [(c, 0.0) for c in common] + [tuple(p) for p in json.loads(t.to_str())["model"]["vocab"] if p[0] not in COMMON]


def compare(name, model, tokenizer, languages, prefix, by_start=False):
    for p in (p for n, p in model.named_parameters() if "embed_positions" not in n or by_start or "MBart" in type(model).__name__):
        torch.nn.init.normal_(p, std=0.25) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    model.final_logits_bias.normal_() if hasattr(model, "final_logits_bias") else None
    model.eval()
    model.save_pretrained(name)
    codes = lambda code: f"__{code}__" if name.startswith("m2m100") else code
    ids_of = {code: tokenizer.convert_tokens_to_ids(codes(code)) for code in languages}
    # in transformers 5.24, M2M100Tokenizer does not skip them
    specials = set(getattr(tokenizer, "id_to_lang_token", ids_of.values()))
    for at, text in enumerate(TEXTS):
        source, target = languages[at % len(languages)], languages[(at + 1) % len(languages)]
        if name.startswith("m2m100"):
            ids = [ids_of[source]] + tokenizer(text, add_special_tokens=False)["input_ids"] + [2]
        else:
            tokenizer.src_lang = source
            ids = tokenizer(text)["input_ids"]
        check(f"{name} {source} frames", ids[0 if prefix else -1] == ids_of[source])
        begin = dict(decoder_start_token_id=ids_of[target]) if by_start else dict(forced_bos_token_id=ids_of[target])
        for beam in (1, 4):
            made = run("translate", "-m", name, text, "--from-lang", source, "--to-lang", target, "--json", "--beam", beam, "--n-best", beam,
                       "--max-tokens", 16, "-q")
            mine = [json.loads(line) for line in made.stdout.splitlines()]
            theirs = model.generate(torch.tensor([ids]), num_beams=beam, num_return_sequences=beam, do_sample=False,
                                    max_new_tokens=16, return_dict_in_generate=True, output_scores=True, **begin)
            texts = [tokenizer.decode([i for i in row if int(i) not in specials], skip_special_tokens=True) for row in theirs.sequences]
            close = beam == 1 or all(abs(m["score"] - s.item()) < 1e-3 for m, s in zip(mine, theirs.sequences_scores))
            check(f"{name} {source} {target} beam {beam}", [m["text"] for m in mine] == texts and close, made.stderr or (mine, texts) if not close
                  or [m["text"] for m in mine] != texts else "")
    with open("pairs.tsv", "w", encoding="utf-8") as out:
        print(TEXTS[0], TEXTS[1], sep="\t", file=out)
    source, target = languages[0], languages[1]
    scores = json.loads(run("eval", "-m", name, "pairs.tsv", "--from-lang", source, "--to-lang", target, "--json", "-q", "--no-decode").stdout)
    tokenizer.src_lang = source
    ids = [ids_of[source]] + tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"] + [2] if prefix else tokenizer(TEXTS[0])["input_ids"]
    words = tokenizer(TEXTS[1], add_special_tokens=False)["input_ids"] + [2]
    start = model.config.decoder_start_token_id
    begin = [ids_of[target]] if by_start else [model.config.bos_token_id if start is None else start, ids_of[target]]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([begin + words[:-1]])).logits[0].double()
    nats = -torch.log_softmax(logits, -1)[range(len(begin) - 1, len(begin) - 1 + len(words)), words].sum().item()
    check(f"{name} scored", abs(nats - scores["nats"]) < 1e-3 and scores["tokens"] == len(words), f"{nats:.6f} {scores['nats']:.6f}")
    known = ("af", "(100 languages)") if hasattr(tokenizer, "id_to_lang_token") else languages
    for flags, says in (((), "--from-lang CODE"), (("--from-lang", source), "--to-lang CODE"), (("--from-lang", source, "--to-lang", "xx"), "knows " + known[0]),
                        (("--from-lang", "nonsense", "--to-lang", target), known[-1])):
        refused = run("translate", "-m", name, "a", *flags)
        check(f"{name} {flags} refused", refused.returncode == 2 and says in refused.stderr, refused.stderr)


vocab, merges = bpe_pieces()
codes = ["deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans"]
nllb = NllbTokenizer(vocab=vocab, merges=merges, extra_special_tokens=codes)
m2m = M2M100Config(vocab_size=len(nllb), decoder_start_token_id=2, **SHAPE)
nllb.save_pretrained("nllb")
compare("nllb", M2M100ForConditionalGeneration(m2m), nllb, codes, True)

codes = ["de", "en", "fr", "ast"]
m2m100 = NllbTokenizer(vocab=dict(vocab), merges=merges, src_lang="__en__", extra_special_tokens=[f"__{c}__" for c in codes])
m2m100._tokenizer.post_processor = None  # the class says where languages stand
m2m100.save_pretrained("m2m100")
with open("m2m100/tokenizer_config.json", encoding="utf-8") as f:
    config = json.load(f)
config.pop("src_lang", None)
config["tokenizer_class"] = "M2M100Tokenizer"
with open("m2m100/tokenizer_config.json", "w", encoding="utf-8") as f:
    json.dump(config, f)
compare("m2m100", M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(m2m100), decoder_start_token_id=2, **SHAPE)), m2m100, codes, True)



def published_m2m100(name, kind, lacks):
    """vocab.json and sentencepiece.bpe.model, as M2M100Tokenizer saves them: it has no tokenizer.json."""
    with open("text", "w", encoding="utf-8") as f:
        f.write("\n".join(TEXTS * 20))
    sentencepiece.SentencePieceTrainer.train(input="text", model_prefix="pieces", model_type=kind, vocab_size=80, hard_vocab_limit=False, minloglevel=2)
    spm = sentencepiece.SentencePieceProcessor(model_file="pieces.model")
    pieces = [spm.id_to_piece(i) for i in range(3, spm.vocab_size())]
    vocabulary = COMMON + [p for i, p in enumerate(reversed(pieces)) if not lacks or i % lacks]
    with open("ids.json", "w", encoding="utf-8") as f:
        json.dump({token: i for i, token in enumerate(vocabulary)}, f)
    tokenizer = M2M100Tokenizer("ids.json", "pieces.model")
    tokenizer.save_pretrained(name)
    draw = random.Random(7)
    texts = TEXTS + ["".join(draw.choice([*"housecat ", " ", "  ", "ein ", "dogs", "ﬁ", "１", "漢", "__de__", "q"]) for _ in range(draw.randrange(1, 16))) for _ in range(40)]
    wrong = [t for t in texts if "__" not in t and
             [int(i) for i in run("tokenizer", "encode", "-m", name, "--no-special-tokens", "--", t).stdout.split()] != tokenizer(t, add_special_tokens=False)["input_ids"]]
    unknown = sum(tokenizer(t)["input_ids"].count(3) for t in texts)
    check(f"{name} ids, {unknown} unknown", not wrong and unknown, wrong)
    return tokenizer


codes = ["de", "en", "fr", "zu"]
for name, kind, lacks in (("m2m100-unigram", "unigram", 7), ("m2m100-bpe", "bpe", 0)):
    tokenizer = published_m2m100(name, kind, lacks)
    known = tokenizer.lang_code_to_id
    listed = run("tokenizer", "encode", "-m", name, "".join(f"__{code}__" for code in known)).stdout.split()
    check(f"{name}: ids of {len(known)} languages", list(map(int, listed)) == list(known.values()))
    size = len(tokenizer.encoder) + len(tokenizer.lang_token_to_id)
    compare(name, M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, decoder_start_token_id=2, **SHAPE)), tokenizer, codes, True)

codes = ["ar_AR", "cs_CZ", "de_DE", "en_XX"]
for name, kind, prefix in (("mbart50", MBart50Tokenizer, True), ("mbart", MBartTokenizer, False)):
    tokenizer = kind(vocab=unigram_pieces(COMMON[:3] if prefix else COMMON))  # of MBart50Tokenizer, those of SentencePiece, replaced
    tokenizer.save_pretrained(name)
    start = 2 if prefix else 0
    config = MBartConfig(vocab_size=len(tokenizer), decoder_start_token_id=start, **SHAPE)
    compare(name, MBartForConditionalGeneration(config), tokenizer, codes, prefix, by_start=not prefix)

tokenizer = MBart50Tokenizer(vocab=unigram_pieces(COMMON[:3]))
for name, start in (("start0", 0), ("start1", 1), ("startless", None)):  # of bad files, but transformers runs them
    tokenizer.save_pretrained(name)
    compare(name, MBartForConditionalGeneration(MBartConfig(vocab_size=len(tokenizer), decoder_start_token_id=start, **SHAPE)), tokenizer, codes, True)

made = run("train", "translate", "pairs.tsv", "-o", "plain", "--arch", "marian", "--tokenizer", "char", "--steps", 1, "--width", 16, "--heads", 2,
           "--layers", 1, "--context", 64, "--eval-every", 1, "--holdout", 0, "-q")
refused = run("translate", "-m", "plain", "a", "--to-lang", "en")
check("a model without languages refuses", refused.returncode == 2 and "no tokens of languages" in refused.stderr, refused.stderr + made.stderr)
if failed:
    sys.exit(f"{len(failed)} different: {failed}")
