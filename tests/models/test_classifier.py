#!/usr/bin/env python3
"""Classifiers to and from transformers' ...ForSequenceClassification: equal probabilities; scores equal to scikit-learn's.
Development only.

    test_classifier.py INKSTONE LIBRARY      exit 1 where something differs, 77 where transformers, torch or scikit-learn is absent
"""
import json
import random
import shutil
import sys

from peer import call, check, failed, run

try:
    import torch
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(3)
torch.set_num_threads(1)
MOST = 1e-5

KINDS = {"pos": "good great fine", "neg": "bad poor dull", "词": "月 山 石", "other thing": "chair table box"}
FILL = "the film was a day and we it saw house".split()
drawn = random.Random(5)


def text_of(label):
    words = [drawn.choice(FILL) for _ in range(drawn.randrange(2, 12))]
    words.insert(drawn.randrange(len(words)), drawn.choice(KINDS[label].split()))
    return " ".join(words)


ROWS = [(label, text_of(label)) for label in (drawn.choice(list(KINDS)) for _ in range(400))]
with open("data.tsv", "w", encoding="utf-8") as out:
    out.writelines(f"{label}\t{text}\n" for label, text in ROWS)
PROBES = [text for _, text in ROWS[:12]] + ["box", "  two  spaces ", "naïve é 𝛼 ☃ x"]


def labels_here(directory, texts):
    with open("lines", "w", encoding="utf-8") as out:
        out.writelines(text + "\n" for text in texts)
    lines = run("classify", "-m", directory, "--json", "-i", "lines").splitlines()
    return [{l["label"]: l["probability"] for l in json.loads(line)["labels"]} for line in lines]


def compare(name, directory):
    """The probabilities of each text by itself and, if there is a padding token, of all in a batch."""
    model = AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    here = labels_here(directory, PROBES)
    names = model.config.id2label
    with torch.no_grad():
        alone = [torch.softmax(model(**tokenizer(text, return_tensors="pt")).logits[0].double(), -1) for text in PROBES]
        batches = [alone]
        if model.config.pad_token_id is not None:
            batch = tokenizer(PROBES, return_tensors="pt", padding=True)
            batches.append(torch.softmax(model(**batch).logits.double(), -1))
    for theirs in batches:
        worst = max(abs(ours[names[i]] - p[i].item()) for ours, p in zip(here, theirs) for i in range(len(p)))
        check(name, worst <= MOST, f"{worst:.2g}")
    order = [names[int(p.argmax())] for p in alone]
    check(name + ": the likeliest label", order == [max(ours, key=ours.get) for ours in here])


# Ours, of several families, from nothing.
small = ["--steps", 20, "--warmup", 2, "--lr", 0.01, "--batch", 32, "--threads", 1, "-q"]
shape = ["--layers", 2, "--width", 32, "--heads", 4, "--context", 96, "--vocab", 300]
for arch in "llama gpt2 qwen3 gemma3 opt gpt_neox bloom falcon phi mistral".split():
    run("train", "classify", "data.tsv", "-o", arch, "--arch", arch, *shape, *small)
    compare("trained here: " + arch, arch)

# Theirs, with names of labels and without; from a model of ours for its tokenizer.
for arch, options in (("llama", {"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}), ("gpt2", {"num_labels": 2}),
                      ("qwen3", {"num_labels": 5}), ("opt", {"num_labels": 3}), ("gpt_neox", {"num_labels": 3})):
    config = AutoConfig.from_pretrained(arch)
    for key in ("id2label", "label2id", "problem_type", "architectures"):
        setattr(config, key, None)
    config = type(config).from_dict({**config.to_dict(), **options})
    model = AutoModelForSequenceClassification.from_config(config)
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2)
    model.save_pretrained("theirs-" + arch)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(arch + "/" + name, "theirs-" + arch)
    compare("transformers': " + arch, "theirs-" + arch)

# Over a model of text, whose tokenizer has no padding token of its own: its last text token counts.
with open("text", "w", encoding="utf-8") as out:
    out.writelines(text + ".\n" for _, text in ROWS)
run("train", "write", "text", "-o", "base", *shape, "--steps", 5, "--warmup", 1, "--sample-tokens", 0, "--threads", 1, "-q")
run("train", "classify", "data.tsv", "-o", "tuned", "--from", "base", *small)
compare("tuned", "tuned")
run("convert", "tuned", "narrow", "--type", "bf16")
with open("narrow/config.json", encoding="utf-8") as file:
    check("converted", json.load(file)["id2label"]["0"] == "neg")
call("convert", "tuned", "tuned.gguf", status=1)


def refused(name, **changes):
    shutil.rmtree("changed", ignore_errors=True)
    shutil.copytree("theirs-llama", "changed")
    with open("changed/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config.update(changes)
    with open("changed/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    said = call("classify", "-m", "changed", "box", status=1).stderr
    check("refused: " + name, name in said, said.strip())


refused("multi_label_classification", problem_type="multi_label_classification")
refused("LlamaForTokenClassification", architectures=["LlamaForTokenClassification"])
refused("no name for the label 1", id2label={"0": "a", "2": "c", "5": "d"})
refused("twice", id2label={"0": "a", "1": "a", "2": "d"})
refused("contradict", num_labels=7)
refused("labels is 1", id2label={"0": "a"})
refused("score.weight", id2label={"0": "a", "1": "b"})

# Scores.
with open("test.tsv", "w", encoding="utf-8") as out:
    out.writelines(f"{label}\t{text}\n" for label, text in ROWS[:150] if label != "neg")
for files in ("data.tsv", "test.tsv"):
    rows = [row for row in ROWS if files == "data.tsv"] or [row for row in ROWS[:150] if row[0] != "neg"]
    found = json.loads(run("eval", "-m", "llama", files, "--json", "-q"))
    right = [label for label, _ in rows]
    chosen = [max(p, key=p.get) for p in labels_here("llama", [text for _, text in rows])]
    names = [row["label"] for row in found["labels"]]
    wanted = {"accuracy": accuracy_score(right, chosen), "macro_f1": f1_score(right, chosen, average="macro", zero_division=0)}
    for name, value in wanted.items():
        check(f"{files}: {name}", abs(found[name]["score"] - 100 * value) < 1e-9, f"{100 * value:.4f}")
    check(f"{files}: confusion", found["confusion"] == confusion_matrix(right, chosen, labels=names).tolist())
    each = precision_recall_fscore_support(right, chosen, labels=names, zero_division=0)
    for key, values in zip(("precision", "recall", "f1"), each):
        check(f"{files}: {key}", all(abs(row[key] - 100 * v) < 1e-9 for row, v in zip(found["labels"], values)))
    check(f"{files}: interval", 0 < found["accuracy"]["confidence_var"] < 10)
sys.exit(bool(failed))
