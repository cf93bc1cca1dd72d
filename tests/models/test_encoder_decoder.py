#!/usr/bin/env python3
"""Encoder-decoder models to and from Hugging Face transformers: the same logits, the same beams. Development only.

    test_encoder_decoder.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import os
import sys

from peer import check, failed, run

try:
    import torch
    from tokenizers.processors import ByteLevel, RobertaProcessing, TemplateProcessing
    import transformers
    from transformers import (AutoTokenizer, BartConfig, BartForConditionalGeneration, MarianConfig, MarianMTModel, MBartConfig,
                              MBartForConditionalGeneration, PreTrainedTokenizerFast)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(5)
torch.set_num_threads(1)

WORDS = {"one": "一", "two": "二", "red": "红", "blue": "蓝", "cat": "猫", "dog": "狗", "sees": "看见", "a": "", "house": "房子"}
SENTENCES = ["one red cat sees a house", "two blue dog sees one cat", "a cat", "red red blue dog", "house sees two house sees a red one"]
with open("pairs.tsv", "w", encoding="utf-8") as out:
    for i in range(400):
        words = [list(WORDS)[(i * k * k + 3 * k + i // 7) % len(WORDS)] for k in range(1, 3 + i % 5)]
        print(" ".join(words), "".join(WORDS[w] for w in words) + "。", sep="\t", file=out)
with open("probe.tsv", "w", encoding="utf-8") as out:
    for sentence in SENTENCES:
        print(sentence, "".join(WORDS[w] for w in sentence.split()) + "。", sep="\t", file=out)


def log_p_of(model, source, target):
    """ln p of each of the target's tokens."""
    start = model.config.decoder_start_token_id
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[start] + target[:-1]])).logits[0].double()
    return torch.log_softmax(logits, -1)[range(len(target)), target]


def compare(directory, kind):
    model, info = kind.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    model.eval()
    missing = [k for k in info["missing_keys"] if "embed_positions" not in k or model.config.model_type != "pegasus"]  # which computes them
    check(f"{directory} loads", not missing and not info["unexpected_keys"], info["unexpected_keys"] or info["missing_keys"])
    tokenizer = AutoTokenizer.from_pretrained(directory)
    source_file = os.path.join(directory, "source_tokenizer.json")
    source_tokenizer = PreTrainedTokenizerFast(tokenizer_file=source_file) if os.path.exists(source_file) else tokenizer

    def ids(text, side=tokenizer):
        return side(text, add_special_tokens=False)["input_ids"] + [side.convert_tokens_to_ids("<|endoftext|>")]

    def source_ids(text):
        """What a post-processor puts around a source; without one, an end behind it."""
        framed = source_tokenizer(text)["input_ids"]
        return framed if framed != source_tokenizer(text, add_special_tokens=False)["input_ids"] else ids(text, source_tokenizer)

    scores = json.loads(run("eval", "-m", directory, "probe.tsv", "--json", "-q", "--no-decode"))
    pairs = [line.rstrip("\n").split("\t") for line in open("probe.tsv", encoding="utf-8")]
    nats = -sum(log_p_of(model, source_ids(s), ids(t)).sum().item() for s, t in pairs)
    if directory != "m2m_100":  # begins with its padding, where transformers counts positions otherwise without a cache
        check(f"{directory} scored", abs(nats - scores["nats"]) / scores["tokens"] < 1e-4, f"{nats:.6f} {scores['nats']:.6f}")
    for beam, penalty in ((1, 1), (4, 1), (3, 0.3)):
        for sentence in SENTENCES:
            found = [json.loads(line) for line in run("translate", "-m", directory, sentence, "--json", "--beam", beam, "--n-best", beam,
                                                      "--length-penalty", penalty, "--max-tokens", 24, "-q").splitlines()]
            theirs = model.generate(torch.tensor([source_ids(sentence)]), num_beams=beam, num_return_sequences=beam, do_sample=False,
                                    length_penalty=float(penalty), early_stopping=not directory.startswith("their_"), max_new_tokens=24,
                                    return_dict_in_generate=True, output_scores=True)
            texts = [tokenizer.decode(row, skip_special_tokens=True) for row in theirs.sequences]
            mine = [line["text"] for line in found]
            if mine != texts:
                check(f"{directory} beam {beam} penalty {penalty} {sentence!r}", False, f"\n  {mine}\n  {texts}")
            elif beam > 1:
                worst = max(abs(line["score"] - score.item()) for line, score in zip(found, theirs.sequences_scores))
                check(f"{directory} beam {beam} penalty {penalty} {sentence!r}", worst < 1e-3, f"{worst:.3g}")
    return tokenizer


def trained_here(name, kind, *flags):
    encoder_layers = 2 if "t5" in name else 1  # transformers' T5 cannot generate with more layers in the decoder
    run("train", "translate", "pairs.tsv", "-o", name, "--layers", 2, "--encoder-layers", encoder_layers, "--width", 32, "--heads", 4, "--context", 48,
        "--batch-tokens", 400, "--steps", 60, "--warmup", 6, "--lr", 0.01, "--vocab", 320, "--tokenizer", "bpe", "--sample-tokens", 0,
        "--threads", 1, "-q", *flags)
    tokenizer = compare(name, kind)
    for directory_side in ("tokenizer.json", "source_tokenizer.json"):
        file = os.path.join(name, directory_side)
        if os.path.exists(file):
            side = PreTrainedTokenizerFast(tokenizer_file=file)
            check(f"{name}: {directory_side} appends the end", side("ein Haus")["input_ids"] ==
                  side("ein Haus", add_special_tokens=False)["input_ids"] + [side.convert_tokens_to_ids("<|endoftext|>")])
    return tokenizer


def saved_there(name, model, tokenizer):
    for module in model.modules():
        module.requires_grad_("Sinusoidal" not in type(module).__name__)
    for p in filter(lambda p: p.requires_grad, model.parameters()):  # far from uniform, so that every part of the network shows
        torch.nn.init.normal_(p, std=0.25) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    model.get_input_embeddings().weight.data[model.config.pad_token_id].normal_()
    if hasattr(model, "final_logits_bias"):
        model.final_logits_bias.normal_()
        model.final_logits_bias[0, model.config.eos_token_id] += 3
    model.save_pretrained(name)
    tokenizer.save_pretrained(name)
    compare(name, type(model))


tokenizer = trained_here("marian", MarianMTModel, "--arch", "marian")
trained_here("two_vocabularies", MarianMTModel, "--arch", "marian", "--vocabularies", "separate")
trained_here("marian_gelu", MarianMTModel, "--arch", "marian", "--activation", "gelu", "--lowercase")
trained_here("bart", BartForConditionalGeneration, "--arch", "bart", "--activation", "gelu")
trained_here("mbart", MBartForConditionalGeneration, "--arch", "mbart")
FAMILIES = {"pegasus": "Pegasus", "m2m_100": "M2M100", "blenderbot": "Blenderbot", "blenderbot_small": "BlenderbotSmall", "t5": "T5", "mt5": "MT5",
            "umt5": "UMT5"}
for arch, family in FAMILIES.items():
    trained_here(arch, getattr(transformers, family + "ForConditionalGeneration"), "--arch", arch)

end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
shape = dict(vocab_size=len(tokenizer), d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=2,
             encoder_ffn_dim=48, decoder_ffn_dim=40, max_position_embeddings=48, eos_token_id=end, pad_token_id=pad,
             decoder_start_token_id=pad, bos_token_id=None, forced_eos_token_id=None, scale_embedding=True)
tokenizer._tokenizer.post_processor = ByteLevel(trim_offsets=True)  # as of a tokenizer that says nothing about ends
saved_there("their_marian", MarianMTModel(MarianConfig(**shape, activation_function="silu")), tokenizer)
saved_there("their_bart", BartForConditionalGeneration(BartConfig(**shape, activation_function="gelu")), tokenizer)
for arch, family in FAMILIES.items():
    of_t5 = dict(vocab_size=len(tokenizer), d_model=32, num_layers=2, num_decoder_layers=1, num_heads=4, d_kv=12, d_ff=40, eos_token_id=end, pad_token_id=pad,
                 decoder_start_token_id=pad, relative_attention_num_buckets=8, relative_attention_max_distance=12, tie_word_embeddings=arch != "t5")
    own = of_t5 if "t5" in arch else {**shape, "encoder_no_repeat_ngram_size": 0} if "blender" in arch else shape
    if arch == "m2m_100":
        own = {**shape, "decoder_start_token_id": end, "max_position_embeddings": len(tokenizer)}
    config = getattr(transformers, family + "Config")(**own)
    saved_there("their_" + arch, getattr(transformers, family + "ForConditionalGeneration")(config), tokenizer)
end_name = tokenizer.eos_token
for name, before, behind in (("their_bart_framed", True, ["<|pad|>", end_name]), ("their_bart_language", False, [end_name, "<|sep|>"])):
    framed = AutoTokenizer.from_pretrained("bart")
    single = ["<|sep|>"] * before + ["$A"] + behind
    framed._tokenizer.post_processor = TemplateProcessing(single=" ".join(single), special_tokens=[(n, framed.convert_tokens_to_ids(n)) for n in
                                                                                                  ("<|sep|>", "<|pad|>", end_name)])
    saved_there(name, BartForConditionalGeneration(BartConfig(**{**shape, "decoder_start_token_id": end}, activation_function="gelu")), framed)
roberta = AutoTokenizer.from_pretrained("bart")
roberta._tokenizer.post_processor = RobertaProcessing((end_name, end), ("<|sep|>", roberta.convert_tokens_to_ids("<|sep|>")))
saved_there("their_bart_roberta", BartForConditionalGeneration(BartConfig(**shape, activation_function="gelu")), roberta)
run("train", "translate", "pairs.tsv", "-o", "tuned", "--from", "their_bart_framed", "--batch-tokens", 400, "--steps", 10, "--sample-tokens", 0,
    "--threads", 1, "-q")
compare("tuned", BartForConditionalGeneration)  # keeps its frame, and what targets begin with
saved_there("their_mbart", MBartForConditionalGeneration(MBartConfig(**shape, activation_function="relu")), tokenizer)

if failed:
    sys.exit(f"{len(failed)} different: {failed}")
