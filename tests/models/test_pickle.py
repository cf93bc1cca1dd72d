#!/usr/bin/env python3
"""pytorch_model.bin and its shards, as torch.save writes them: the same as model.safetensors. Development only.

    test_pickle.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")
inkstone = os.path.abspath(sys.argv[1])
try:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, BartForConditionalGeneration
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)
failed = []


def check(name, good, says=""):
    print(f"{'ok' if good else 'DIFFERENT'}: {name} {'' if good else says}", flush=True)
    if not good:
        failed.append(name)


def call(*command):
    return subprocess.run([inkstone, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def run(*command):
    done = call(*command)
    if done.returncode:
        sys.exit(f"inkstone {' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def written(model):
    """Greedy text, with the log-probability of each token."""
    if model.startswith("bart"):
        return run("translate", "-m", model, "--json", "one red cat")
    return run("write", "-m", model, "--greedy", "--max-tokens", 16, "--json", "The moon")


def bare(source, copy):
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.safetensors*"))


def sharded(state, directory, suffix="bin"):
    names, files = list(state), {}
    for i in range(2):
        files[f"pytorch_model-{i + 1:05}-of-00002.{suffix}"] = names[i::2]
    for file, held in files.items():
        torch.save({k: state[k] for k in held}, f"{directory}/{file}")
    index = {"metadata": {"total_size": 1}, "weight_map": {k: f for f, held in files.items() for k in held}}
    with open(f"{directory}/pytorch_model.bin.index.json", "w", encoding="utf-8") as out:
        json.dump(index, out)


def compare(name, reference):
    check(f"{name}: text", written(name) == written(reference))
    run("convert", name, f"{name}-to", "--overwrite")
    run("convert", reference, f"{name}-from", "--overwrite")
    a, b = load_file(f"{name}-to/model.safetensors"), load_file(f"{name}-from/model.safetensors")
    check(f"{name}: values", a.keys() == b.keys() and all(a[k].dtype == b[k].dtype and torch.equal(a[k], b[k]) for k in a))


with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i % 7} sings over {i * i % 89} old stones.\n" for i in range(400))
with open("pairs.tsv", "w", encoding="utf-8") as out:
    out.writelines(f"one red cat {i % 7}\tun chat rouge {i % 7}\n" for i in range(200))
sizes = ("--layers", 2, "--width", 32, "--heads", 4, "--batch", 4, "--steps", 20, "--warmup", 3, "--vocab", 300, "--tokenizer", "bpe",
         "--sample-tokens", 0, "--threads", 1, "-q")
for arch in ("llama", "gpt2", "bart"):
    task = ("translate", "pairs.tsv") if arch == "bart" else ("write", "text", "--context", 64)
    run("train", *task, "-o", arch, "--arch", arch, *sizes)
    kind = BartForConditionalGeneration if arch == "bart" else AutoModelForCausalLM
    for name in ("f32", "f16", "bf16"):
        reference = f"{arch}-{name}"
        run("convert", arch, reference, "--type", name)
        # transformers' names, tied matrices as several names of one storage
        state = kind.from_pretrained(reference, dtype="auto").state_dict()
        bare(reference, f"{arch}-{name}-bin")
        torch.save(state, f"{arch}-{name}-bin/pytorch_model.bin")
        compare(f"{arch}-{name}-bin", reference)
        bare(reference, f"{arch}-{name}-sharded")
        sharded(state, f"{arch}-{name}-sharded")
        compare(f"{arch}-{name}-sharded", reference)

# What old files of GPT-2 have besides: masks of whole numbers. Parameters, not tensors.
state = load_file("gpt2-f32/model.safetensors")
for kind in (torch.uint8, torch.bool, torch.int64):
    masked = {k: torch.nn.Parameter(v) for k, v in state.items()}
    masked["transformer.h.0.attn.bias"] = torch.tril(torch.ones(64, 64)).to(kind).view(1, 1, 64, 64)
    bare("gpt2-f32", "gpt2-masked")
    torch.save(masked, "gpt2-masked/pytorch_model.bin")
    compare("gpt2-masked", "gpt2-f32")


class Malicious:
    def __reduce__(self):
        return os.system, ("touch executed",)


def refused(name, value, *says, **how):
    bare("gpt2-f32", "bad")
    torch.save(value, "bad/pytorch_model.bin", **how)
    done = call("write", "-m", "bad", "The")
    check(f"{name} is refused", done.returncode == 1 and all(s in done.stderr for s in says), done.stderr)
    check(f"{name}: nothing is executed", not os.path.exists("executed"))


first = next(k for k, v in state.items() if v.dim() == 2)
refused("a call", state | {"x": Malicious()}, "calls posix.system" if os.name == "posix" else "calls", "not a tensor")
refused("a call in an unused place", {"a": {"b": Malicious()}}, "posix.system")
refused("another type", state | {first: state[first].double()}, "torch.DoubleStorage", "save_pretrained")
refused("whole numbers", state | {first: state[first].long()}, first)
refused("a transposed tensor", state | {"w.t": state[first].t()}, '"w.t"', "transposed", "save_pretrained")
refused("a partial view", state | {"w.p": state[first][:, 1:]}, '"w.p"', "partial")
refused("five dimensions", state | {"w.5": torch.zeros(1, 1, 1, 1, 1)}, '"w.5"', "dimensions")
refused("a number", state | {"epoch": 3}, '"epoch" is not a tensor')
refused("a list", [state], "0x5d")
refused("a tensor alone", state[first], "not a dict")
refused("the format before 1.6", state, "before 1.6", "save_pretrained", _use_new_zipfile_serialization=False)
refused("another protocol", state, "0x95", pickle_protocol=4)
bare("gpt2-f32", "bad")
sharded(state, "bad")
os.remove("bad/pytorch_model-00002-of-00002.bin")
done = call("write", "-m", "bad", "The")
check("a missing shard is named", done.returncode == 1 and "pytorch_model-00002-of-00002.bin" in done.stderr, done.stderr)
os.remove("bad/pytorch_model.bin.index.json")
done = call("write", "-m", "bad", "The")
check("a missing index is named", done.returncode == 1 and "pytorch_model.bin.index.json" in done.stderr, done.stderr)
# safetensors take precedence, as in transformers
shutil.copytree("gpt2-f32", "both")
with open("both/pytorch_model.bin", "w", encoding="utf-8") as out:
    out.write("no weights")
check("safetensors take precedence", written("both") == written("gpt2-f32"))
sys.exit(1 if failed else 0)
