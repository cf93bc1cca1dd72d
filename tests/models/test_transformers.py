#!/usr/bin/env python3
"""Models to and from Hugging Face transformers: the same ids, the same logits. Development only.

    test_transformers.py INKSTONE RESHARD      exit 1 where something differs, 77 where transformers or torch is absent

What our command says of a model: the log-probabilities of tokens it draws (`write --json`; at a high temperature, so that
unlikely ones are among them, and greedily) and of a given text as a whole (`eval --json`).
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
inkstone = sys.argv[1]
try:
    import torch
    from safetensors.torch import load_file, save_file
    from tokenizers.processors import TemplateProcessing
    from transformers import (AutoModelForCausalLM, AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel,
                              GPTNeoXConfig, GPTNeoXForCausalLM, Phi3Config, Phi3ForCausalLM,
                              LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM)
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(3)
torch.set_num_threads(1)
scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)
failed = []
MOST = 1e-4

LINES = ["The moon {0} sings over {1} old stones, and nobody's there.", "明月松間照{0}里，清泉石上流{1}年。", "It's {1}: naïve café №{0}!"]
with open("text", "w", encoding="utf-8") as out:
    out.writelines(LINES[i % 3].format(i, i * i % 89) + "\n" for i in range(600))
PROBES = ["The moon 7 sings", "明月松間照三里", "It's 12:  two  spaces,\ttabs\nand lines", " naïve é 𝛼 ☃ <|endoftext|> x"]


def run(*command, status=0):
    result = subprocess.run([inkstone, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != status:
        sys.exit(f"inkstone {' '.join(map(str, command))}: exit status {result.returncode}, not {status}\n{result.stderr}")
    return result


def check(name, difference, most=MOST):
    good = difference <= most  # false for nan
    print(f"{'ok' if good else 'DIFFERENT'}: {name}: {difference:.3g}", flush=True)
    if not good:
        failed.append(name)


def ids_here(directory, text):
    return [int(i) for i in run("tokenizer", "encode", "-m", directory, text).stdout.split()]


def log_probabilities(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)


def compare_tokenizers(directory, tokenizer):
    for text in PROBES + [line.format(1, 2) for line in LINES]:
        theirs = tokenizer(text, add_special_tokens=False)["input_ids"]
        if ids_here(directory, text) != theirs or tokenizer.decode(theirs) != text:
            print("DIFFERENT ids:", directory, repr(text), ids_here(directory, text), theirs)
            failed.append(directory + " ids")


def compare_written(directory, model, tokenizer, prompt, *flags):
    """Each token drawn here has the log-probability that transformers gives it."""
    lines = run("write", "-m", directory, "--json", "--ignore-end", "--max-tokens", 30, *flags, prompt).stdout.splitlines()
    worst = 0
    for text in map(json.loads, lines):
        ids = tokenizer(prompt)["input_ids"]
        if text["prompt_tokens"] == len(ids) + 1:  # the end of the document before
            ids = [tokenizer.eos_token_id] + ids
        assert text["prompt_tokens"] == len(ids) and len(text["tokens"]) >= 30
        drawn = [t for t in text["tokens"] if t["id"] >= 0]
        log_p = log_probabilities(model, ids + [t["id"] for t in drawn])
        for i, token in enumerate(drawn):
            worst = max(worst, abs(token["logprob"] - log_p[len(ids) - 1 + i, token["id"]].item()))
        if "--greedy" in flags and log_p[len(ids) - 1:-1].argmax(-1).tolist() != [t["id"] for t in drawn]:
            failed.append(directory + " greedy")
    check(f"{directory} written {' '.join(map(str, flags))}", worst)


def compare_scored(directory, model, tokenizer):
    """A text shorter than the context: one window. From elsewhere, the file as transformers' tokenizer gives it, its last line end
    among it; of ours, a document between the end before and its own."""
    text = LINES[0].format(3, 4) + "\n"
    with open("probe", "w", encoding="utf-8") as out:
        out.write(text)
    scores = json.loads(run("eval", "-m", directory, "probe", "--json", "-q").stdout)
    ids = tokenizer(text)["input_ids"]
    if os.path.exists(directory + "/inkstone.json"):
        ids = [tokenizer.eos_token_id] + tokenizer(text.rstrip("\n"), add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    assert scores["tokens"] == len(ids) - 1 > 10, (scores["tokens"], len(ids))
    log_p = log_probabilities(model, ids)
    nats = -sum(log_p[i, ids[i + 1]].item() for i in range(len(ids) - 1))
    check(f"{directory} scored", abs(nats - scores["nats"]) / scores["tokens"])


def compare(directory):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    compare_tokenizers(directory, tokenizer)
    compare_written(directory, model, tokenizer, PROBES[0], "--greedy")
    compare_written(directory, model, tokenizer, PROBES[1], "--temperature", 3, "--top-p", 1, "-n", 4)
    compare_scored(directory, model, tokenizer)
    return model, tokenizer


def trained_here(name, *flags):
    run("train", "write", "text", "-o", name, "--layers", 2, "--width", 32, "--heads", 4, "--context", 96, "--batch", 4, "--steps", 30,
        "--warmup", 3, "--lr", 0.01, "--vocab", 400, "--sample-tokens", 0, "--threads", 1, "-q", *flags)
    return compare(name)


def saved_there(name, model, tokenizer, **options):
    for p in model.parameters():  # far from uniform, so that every part of the network shows
        torch.nn.init.normal_(p, std=0.2) if p.dim() > 1 else p.data.add_(torch.randn_like(p) * 0.2)
    model.save_pretrained(name, **options)
    tokenizer.save_pretrained(name)


_, tokenizer = trained_here("llama_grouped", "--arch", "llama", "--kv-heads", 2)
trained_here("llama_untied", "--arch", "llama", "--no-tied")
trained_here("gpt2", "--arch", "gpt2")
PLAIN = ("gpt_neox", "gptj", "gpt_neo", "opt", "bloom", "mpt")  # without grouped heads
for arch in ("qwen3", "gemma3", "gemma2", "qwen2", "mistral", "ministral", "mixtral", "qwen3_moe", "phi", "phi3", "olmo", "olmo2", "granite", "cohere", "stablelm", "gpt_neox", "starcoder2", "smollm3", "exaone4", "glm", "gptj", "gemma", "olmo3",
             "cohere2", "glm4", "helium", "ernie4_5", "arcee", "seed_oss", "gpt_neo", "opt", "bloom", "mpt", "falcon"):
    trained_here(arch, "--arch", arch, *([] if arch in PLAIN else ["--kv-heads", 2]), *(["--no-tied"] if arch in ("phi", "phi3", "gpt_neox") else []))
trained_here("gpt2_untied", "--arch", "gpt2", "--no-tied", "--tokenizer", "char")

# Of several documents: the tokenizer itself puts the token in front that a new text starts with.
with open("two", "w", encoding="utf-8") as file:
    file.write("The first document.\n" * 30 + "%\n" + "The second one is longer.\n" * 30)
run("train", "write", "two", "--separator", "%", "-o", "documents", "--layers", 2, "--width", 32, "--heads", 4, "--context", 96, "--batch", 4,
    "--steps", 30, "--warmup", 3, "--lr", 0.01, "--vocab", 300, "--tokenizer", "bpe", "--sample-tokens", 0, "--threads", 1, "-q", "--holdout", 0)
model, documents = AutoModelForCausalLM.from_pretrained("documents", dtype=torch.float32).eval(), AutoTokenizer.from_pretrained("documents")
ids = documents("The", return_tensors="pt").input_ids
check("documents begin", 0 if ids[0, 0] == documents.eos_token_id else 1)
text = documents.decode(model.generate(ids, do_sample=False, max_new_tokens=20, pad_token_id=0)[0], skip_special_tokens=True)
mine = run("write", "-m", "documents", "The", "--greedy", "--max-tokens", 20, "-q").stdout.rstrip("\n")
check(f"documents: {mine!r} and {text!r}", 0 if mine == text.rstrip("\n") else 1)

size = len(tokenizer)
shape = dict(vocab_size=size, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=96,
             bos_token_id=None, eos_token_id=tokenizer.eos_token_id)
their_llama = LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2, rope_theta=500.0, rms_norm_eps=1e-5))
saved_there("their_llama", their_llama, tokenizer)
compare("their_llama")
saved_there("their_llama_tied", LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
                                                             head_dim=12)), tokenizer)
compare("their_llama_tied")
saved_there("their_llama3", LlamaForCausalLM(LlamaConfig(**shape, rope_scaling=dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))), tokenizer)
compare("their_llama3")
saved_there("their_qwen3", Qwen3ForCausalLM(Qwen3Config(**shape, num_key_value_heads=2, head_dim=12, use_sliding_window=True,
                                                        sliding_window=9, max_window_layers=1)), tokenizer)
compare("their_qwen3")
saved_there("their_gemma3", Gemma3ForCausalLM(Gemma3TextConfig(
    **shape, num_key_value_heads=2, head_dim=12, query_pre_attn_scalar=20, sliding_window=9, pad_token_id=None,
    layer_types=["sliding_attention", "full_attention"])), tokenizer)
compare("their_gemma3")
saved_there("their_neox", GPTNeoXForCausalLM(GPTNeoXConfig(**shape, rotary_pct=0.5)), tokenizer)
compare("their_neox")
saved_there("their_phi3", Phi3ForCausalLM(Phi3Config(**shape, num_key_value_heads=2, sliding_window=9, pad_token_id=None)), tokenizer)
compare("their_phi3")
saved_there("their_phi3_long", Phi3ForCausalLM(Phi3Config(**shape, pad_token_id=None, original_max_position_embeddings=4, rope_scaling=dict(
    rope_type="longrope", short_factor=[1.0] * 4, long_factor=[1.0, 1.5, 2.0, 4.0]))), tokenizer)
compare("their_phi3_long")
# Frequencies that change with each token: what is cached keeps those of its time, in transformers' generate as well.
dynamic = LlamaForCausalLM(LlamaConfig(**{**shape, "max_position_embeddings": 8}, rope_scaling=dict(rope_type="dynamic", factor=12.0)))
saved_there("their_dynamic", dynamic, tokenizer)
ids = tokenizer(LINES[0].format(1, 2), return_tensors="pt").input_ids
theirs = dynamic.eval().generate(ids, do_sample=False, max_new_tokens=30, pad_token_id=0)[0][ids.shape[1]:].tolist()
mine = json.loads(run("write", "-m", "their_dynamic", LINES[0].format(1, 2), "--greedy", "--max-tokens", 30, "--json").stdout)["tokens"]
check(f"dynamic: {mine} and {theirs}", 0 if [t["id"] for t in mine if t["id"] >= 0] == theirs else 1)
bos = AutoTokenizer.from_pretrained("their_llama")  # texts begin with a token of their own, and prompts do
bos.add_special_tokens({"bos_token": "<begin>"})
bos._tokenizer.post_processor = TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", bos.bos_token_id)])
saved_there("their_llama_begin", LlamaForCausalLM(LlamaConfig(**{**shape, "vocab_size": len(bos), "bos_token_id": bos.bos_token_id,
                                                                 "eos_token_id": [tokenizer.eos_token_id, 7]})), bos)
compare("their_llama_begin")
saved_there("their_llama_bf16", LlamaForCausalLM(LlamaConfig(**shape)).to(torch.bfloat16), tokenizer)
os.environ["INKSTONE_ISA"] = "scalar"  # others round activations, too, if the processor multiplies bf16
compare("their_llama_bf16")
del os.environ["INKSTONE_ISA"]
their_gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_embd=32, n_layer=2, n_head=4, n_positions=96, bos_token_id=None,
                                        eos_token_id=tokenizer.eos_token_id))
saved_there("their_gpt2", their_gpt2, tokenizer)
compare("their_gpt2")

# A stored matrix of outputs that differs from the embedding is used, whatever config.json says of ties.
for name, model in (("their_llama", their_llama), ("their_gpt2", their_gpt2)):
    own_head = name + "_own_head"
    model.config.tie_word_embeddings = False
    model.save_pretrained(own_head)
    tokenizer.save_pretrained(own_head)
    tensors = load_file(f"{own_head}/model.safetensors")
    tensors["lm_head.weight"] = torch.randn(size, 32) * 0.2
    save_file(tensors, f"{own_head}/model.safetensors", metadata={"format": "pt"})
    config = json.load(open(f"{own_head}/config.json"))
    config["tie_word_embeddings"] = True
    json.dump(config, open(f"{own_head}/config.json", "w"))
    compare(own_head)
    # and where config.json leaves it out, the class decides: llama does not tie, gpt2 does
    del config["tie_word_embeddings"]
    json.dump(config, open(f"{own_head}/config.json", "w"))
    compare(own_head)

# Weights in several files: of theirs read here, of ours read there, whose names only the index tells.
saved_there("sharded", their_llama, tokenizer, max_shard_size="30KB")
assert os.path.exists("sharded/model.safetensors.index.json") and not os.path.exists("sharded/model.safetensors")
compare("sharded")
shutil.copytree("llama_grouped", "resharded")
os.remove("resharded/model.safetensors")
for most in (30000, 20000):  # the second takes the place of the first
    subprocess.run([sys.argv[2], "llama_grouped", "resharded", str(most)], check=True)
    compare("resharded")

print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
