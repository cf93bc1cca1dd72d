#!/usr/bin/env python3
"""Adapters of PEFT: its own here, ours there, the same logits; and the losses of twenty updates. Development only.

    test_peft.py INKSTONE LIBINKSTONE.SO      exit 1 where something differs, 77 where a package is absent
"""
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
os.environ["INKSTONE_LIBRARY"] = os.path.abspath(sys.argv[2])
sys.path.append(os.path.join(here, "..", "..", "python"))
from peer import check, failed, run

try:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file, save_file
    from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, BartConfig, BartForConditionalGeneration, Gemma3ForCausalLM, Gemma3TextConfig,
                              GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM, Qwen2Config,
                              Qwen2ForCausalLM, T5Config, T5ForConditionalGeneration)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

from inkstone import Model

torch.manual_seed(5)
torch.set_num_threads(1)
MOST = 1e-5
shape = dict(vocab_size=285, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=64, bos_token_id=284, eos_token_id=284, pad_token_id=None)
IDS = [(i * i + i // 7) % 250 for i in range(40)]

with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i} sings over {i * i % 89} old stones.\n" for i in range(300))
with open("pairs.tsv", "w", encoding="utf-8") as out:
    out.writelines(f"{i} moons sing\tmany sing: {i}\n" for i in range(300))
small = ["--sample-tokens", 0, "--threads", 1, "-q"]
run("train", "write", "text", "-o", "own", "--layers", 2, "--width", 32, "--heads", 4, "--context", 96, "--batch", 4, "--steps", 5,
    "--warmup", 1, "--vocab", 285, *small)


def ours(directory, source=None, **options):
    """Logits after each token."""
    with Model(directory, **options) as model, model.session() as session:
        if source:
            session.source(source)
        return torch.tensor([list(session.feed([i])) for i in IDS])


def theirs(model, source=None):
    with torch.no_grad():
        if source:
            return model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([IDS])).logits[0]
        return model(input_ids=torch.tensor([IDS])).logits[0]


def compare(name, a, b):
    difference = (a - b).abs().max().item()
    check(name, difference <= MOST * max(1, b.abs().max().item()), f"{difference:.3g}")


def moved(model):
    """B is zero at first."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return model.eval()


def adapter(base, name, build, **settings):
    """An adapter of random values, saved as PEFT does."""
    settings = dict(dict(r=4, lora_alpha=12, target_modules="all-linear"), **settings)
    model = moved(get_peft_model(build(base), LoraConfig(**settings)))
    model.save_pretrained(name)
    return model


def check_family(name, build, model, source=None, tokenizer="own", trained=(), task="write", data="text"):
    model = model.eval()
    model.save_pretrained(name)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        with open(f"{tokenizer}/{file}", "rb") as f, open(f"{name}/{file}", "wb") as to:
            to.write(f.read())
    kind = "SEQ_2_SEQ_LM" if source else "CAUSAL_LM"
    theirs_here = adapter(name, name + "-peft", build, task_type=kind)
    expected = theirs(theirs_here, source)
    assert (expected - theirs(build(name).eval(), source)).abs().max() > 1e-2
    compare(f"{name}: PEFT's adapter", ours(name + "-peft", source), expected)
    compare(f"{name}: PEFT's adapter over -m", ours(name, source, adapters=[name + "-peft"]), expected)
    run("train", task, data, "-o", name + "-ours", "--from", name, "--adapter", "lora", "--rank", 3, "--steps", 6, "--batch", 4, "--lr", 0.02,
        "--warmup", 0, "--context", 48, *small, *trained)
    back = PeftModel.from_pretrained(build(name), name + "-ours").eval()
    compare(f"{name}: our adapter", ours(name + "-ours", source), theirs(back, source))
    assert (theirs(back, source) - theirs(build(name).eval(), source)).abs().max() > 1e-3


decoder = lambda path: AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
check_family("llama", decoder, LlamaForCausalLM(LlamaConfig(**shape)))
check_family("qwen2", decoder, Qwen2ForCausalLM(Qwen2Config(**shape)), trained=["--target", "q_proj,layers.1.mlp", "--rslora"])
check_family("phi3", decoder, Phi3ForCausalLM(Phi3Config(**shape)))
check_family("gemma3", decoder, Gemma3ForCausalLM(Gemma3TextConfig(**shape, head_dim=8)))
check_family("gpt2", decoder, GPT2LMHeadModel(GPT2Config(vocab_size=285, n_positions=64, n_embd=32, n_layer=2, n_head=4, n_inner=48,
                                                         bos_token_id=284, eos_token_id=284)))

# encoder-decoders: a tokenizer with their special tokens
run("train", "translate", "pairs.tsv", "-o", "pair", "--arch", "bart", "--layers", 1, "--width", 16, "--heads", 2, "--context", 48, "--steps", 2,
    "--warmup", 0, "--batch", 4, *small)
config = json.load(open("pair/config.json"))
pairs = dict(tokenizer="pair", task="translate", data="pairs.tsv", source=IDS[:9] + [config["eos_token_id"]])
special = {k: config[k] for k in ("eos_token_id", "pad_token_id", "decoder_start_token_id")}
check_family("bart", lambda path: BartForConditionalGeneration.from_pretrained(path, dtype=torch.float32), BartForConditionalGeneration(BartConfig(
    vocab_size=config["vocab_size"], d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
    encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64, forced_eos_token_id=None, bos_token_id=None, **special)), **pairs)
check_family("t5", lambda path: T5ForConditionalGeneration.from_pretrained(path, dtype=torch.float32), T5ForConditionalGeneration(T5Config(
    vocab_size=config["vocab_size"], d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, **special)), **pairs)

# classifiers: the head is trained as a whole, over a model of text and over a classifier
with open("labels.tsv", "w", encoding="utf-8") as out:
    out.writelines(f"{'odd' if i % 2 else 'even'}\t{i} stones\n" for i in range(200))


def labels_of(*flags):
    """ln p of each label, of one text."""
    found = json.loads(run("classify", *flags, "--json", "17 stones"))["labels"]
    return torch.tensor([l["probability"] for l in sorted(found, key=lambda l: l["label"])]).log()


def labels_theirs(model):
    ids = AutoTokenizer.from_pretrained("own")("17 stones")["input_ids"]
    with torch.no_grad():
        return torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0], -1)


classifier = lambda path: AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float32, num_labels=2)
for name in ("llama", "gpt2"):
    theirs_here = adapter(name, name + "-peft-labels", classifier, task_type="SEQ_CLS")
    compare(f"{name}: PEFT's classifier", labels_of("-m", name + "-peft-labels"), labels_theirs(theirs_here))
    compare(f"{name}: PEFT's classifier over -m", labels_of("-m", name, "--adapter", name + "-peft-labels"), labels_theirs(theirs_here))
    run("train", "classify", "labels.tsv", "-o", name + "-labels", "--from", name, "--adapter", "lora", "--rank", 3, "--steps", 6, "--lr", 0.02,
        "--warmup", 0, *small)
    back = PeftModel.from_pretrained(classifier(name), name + "-labels").eval()
    compare(f"{name}: our classifier", labels_of("-m", name + "-labels"), labels_theirs(back))
    run("convert", name, name + "-merged", "--merge", name + "-labels", "-q")
    compare(f"{name}: our classifier, merged", labels_of("-m", name + "-merged"), labels_theirs(classifier(name + "-merged").eval()))
    over = adapter(name + "-merged", name + "-over", classifier, task_type="SEQ_CLS")
    compare(f"{name}: PEFT's classifier over a classifier", labels_of("-m", name + "-over"), labels_theirs(over))

# settings of PEFT that change the result
base = decoder("llama")
for name, settings in {"rslora": dict(use_rslora=True), "patterns": dict(rank_pattern={"q_proj": 2, "layers.1.mlp.up_proj": 7},
                                                                         alpha_pattern={"layers.0.self_attn.q_proj": 5, "up_proj": 3.5}),
                       "some": dict(target_modules=["v_proj", "down_proj"], layers_to_transform=[1])}.items():
    model = adapter("llama", name, decoder, task_type="CAUSAL_LM", **settings)
    compare(name, ours(name), theirs(model))

# several at once: the sum of their changes
one, two = adapter("llama", "one", decoder, task_type="CAUSAL_LM"), adapter("llama", "two", decoder, r=2, lora_alpha=3, target_modules=["q_proj", "up_proj"])
both = PeftModel.from_pretrained(decoder("llama"), "one", adapter_name="one")
both.load_adapter("two", adapter_name="two")
both.add_weighted_adapter(["one", "two"], [0.7, 0.5], combination_type="cat", adapter_name="sum")
both.set_adapter("sum")
compare("two with weights", ours("llama", adapters=["one:0.7", "two:0.5"]), theirs(both.eval()))

# refused by name
for name, settings in {"use_dora": dict(use_dora=True), "modules_to_save": dict(modules_to_save=["lm_head"]), "bias": dict(bias="lora_only"),
                       "trainable_token_indices": dict(trainable_token_indices=[1, 2])}.items():
    adapter("llama", name, decoder, **settings)
    try:
        Model(name).close()
        check("refused: " + name, False)
    except Exception as problem:
        check("refused: " + name, name in str(problem), str(problem))

# twenty updates from the same A, over one window that is the whole text
with open("line", "w", encoding="utf-8") as out:
    out.write("The moon 7 sings over 12 old stones.\n")
run("train", "write", "line", "-o", "curve", "--from", "own", "--adapter", "lora", "--rank", 4, "--alpha", 6, "--steps", 20, "--warmup", 0, "--batch", 1,
    "--lr", 0.01, "--schedule", "constant", "--weight-decay", 0, "--holdout", 0, "--checkpoint-every", 1, "--keep-checkpoints", 100, "--documents",
    "line", "--context", 36, *small)
model = PeftModel.from_pretrained(decoder("own"), "curve", is_trainable=True)
with torch.no_grad():
    begin = load_file("curve/checkpoint-0000000000/model.safetensors")
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.copy_(begin[name.replace(".default", "")])
doc = [int(i) for i in run("tokenizer", "encode", "-m", "own", "The moon 7 sings over 12 old stones.").split()]
end = json.load(open("own/config.json"))["eos_token_id"]
ids = torch.tensor([doc + [end]])
adam = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0)
losses = [json.loads(line)["loss"] for line in open("curve/log.jsonl") if "loss" in json.loads(line)]
worst = 0
for step in range(20):
    loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).logits[0], ids[0, 1:])
    worst = max(worst, abs(loss.item() - losses[step]))
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    adam.step()
check("losses of 20 updates", worst < 1e-4 and len(losses) >= 20, f"{worst:.3g}, from {losses[0]:.4f} to {losses[19]:.4f}")
sys.exit(1 if failed else 0)
