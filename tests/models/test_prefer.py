#!/usr/bin/env python3
"""Preference tuning beside TRL's DPOTrainer and KTOTrainer: equal losses, rewards and margins at each of several updates.
Development only.

    test_prefer.py INKSTONE      exit 1 where something differs, 77 where trl, transformers or torch is absent
"""
import json
import os
import random
import sys

from peer import check, failed, run

os.environ["CUDA_VISIBLE_DEVICES"] = ""
try:
    import torch
    import torch.nn.functional as F
    from datasets import Dataset
    from spaced import save_spaced
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.manual_seed(3)
torch.set_num_threads(1)
MOST, STEPS, BETA, RATE = 1e-5, 4, 0.5, 2e-3
drawn = random.Random(5)
WORDS = "the film was good bad a day and we it saw house of late".split()


def words(count):
    return " ".join(drawn.choice(WORDS) for _ in range(count))


def near(name, ours, theirs):
    good = len(ours) == len(theirs) and all(abs(a - b) <= MOST * max(1, abs(b)) for a, b in zip(ours, theirs))
    check(name, good, f"{ours} {theirs}")


def ours(directory, name):
    with open(f"{directory}/log.jsonl") as log:
        return [line[name] for line in map(json.loads, log) if "loss" in line]


def tune(data, directory, *more, base="base"):
    with open("data.jsonl", "w") as out:
        out.writelines(json.dumps(row) + "\n" for row in data)
    run("train", "prefer", "data.jsonl", "-o", directory, "--from", base, "--holdout", 0, "--steps", STEPS, "--batch", 64, "--beta",
        BETA, "--lr", RATE, "--schedule", "constant", "--warmup", 0, "--weight-decay", 0, "--dropout", 0, "-q", *more)


def settings(kind, count, **more):
    return kind(output_dir="trl", per_device_train_batch_size=count, max_steps=STEPS, learning_rate=RATE, beta=BETA, logging_steps=1,
                lr_scheduler_type="constant", warmup_steps=0, weight_decay=0, adam_beta1=0.9, adam_beta2=0.95, report_to=[],
                save_strategy="no", bf16=False, use_cpu=True, disable_tqdm=True, max_length=None, disable_dropout=True,
                gradient_checkpointing=False, **more)


def theirs(trainer):
    trainer.train()
    return [line for line in trainer.state.log_history if "loss" in line]


def load(base="base"):
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


PAIRS = [{"prompt": "tell: " + words(drawn.randrange(2, 7)), "chosen": " " + words(drawn.randrange(1, 9)),
          "rejected": " never " + words(drawn.randrange(1, 9))} for _ in range(6)]
VERDICTS = [{"prompt": "tell: " + words(4), "completion": " " + words(3), "label": True},
            {"prompt": "tell: " + words(2), "completion": " " + words(6), "label": False}]
with open("text.txt", "w") as out:
    out.writelines(words(12) + "\n" for _ in range(400))
run("train", "write", "text.txt", "-o", "base", "--layers", 2, "--width", 32, "--heads", 2, "--context", 128, "--steps", 20, "--vocab", 300,
    "--sample-tokens", 0, "-q")
tokenizer = AutoTokenizer.from_pretrained("base")
NAMES = {"margin": "rewards/margins", "reward_chosen": "rewards/chosen", "reward_rejected": "rewards/rejected"}

for name, loss, flags in (("DPO", "sigmoid", []), ("DPO by length", "sigmoid_norm", ["--length-norm"])):
    directory = loss
    tune(PAIRS, directory, *flags)
    history = theirs(DPOTrainer(load(), load(), settings(DPOConfig, 6, loss_type=[loss]), train_dataset=Dataset.from_list(PAIRS),
                                processing_class=tokenizer))
    near(f"{name}: loss", ours(directory, "loss"), [line["loss"] for line in history])
    near(f"{name}: accuracy", ours(directory, "accuracy"), [100 * line["rewards/accuracies"] for line in history])
    for own, other in NAMES.items():
        near(f"{name}: {own}", ours(directory, own), [line[other] for line in history])

tune(VERDICTS, "kto", "--desirable-weight", 1.5, "--undesirable-weight", 0.25)
history = theirs(KTOTrainer(load(), load(), settings(KTOConfig, 2, desirable_weight=1.5, undesirable_weight=0.25),
                            train_dataset=Dataset.from_list(VERDICTS), processing_class=tokenizer))
near("KTO: loss", ours("kto", "loss"), [line["loss"] for line in history])
near("KTO: divergence", ours("kto", "divergence"), [line["kl"] for line in history])
for own, other in NAMES.items():
    near(f"KTO: {own}", ours("kto", own), [line[other] for line in history])

# Where a text by itself begins with a space that it does not have behind its prompt, or shares a token with it.
with open("text.txt") as text:
    save_spaced("spaced", text.readlines(), ":terlnv")
spaced = AutoTokenizer.from_pretrained("spaced")
CLOSE = PAIRS + [{"prompt": "tell: the fi", "chosen": "lm was good", "rejected": "nger"},
                 {"prompt": "tell: ", "chosen": "we saw it", "rejected": "day and day"}]
tune(CLOSE, "spaced-dpo", base="spaced")
history = theirs(DPOTrainer(load("spaced"), load("spaced"), settings(DPOConfig, len(CLOSE)), train_dataset=Dataset.from_list(CLOSE),
                            processing_class=spaced))
near("DPO, spaces: loss", ours("spaced-dpo", "loss"), [line["loss"] for line in history])
for own, other in NAMES.items():
    near(f"DPO, spaces: {own}", ours("spaced-dpo", own), [line[other] for line in history])
tune(VERDICTS, "spaced-kto", base="spaced")
history = theirs(KTOTrainer(load("spaced"), load("spaced"), settings(KTOConfig, 2), train_dataset=Dataset.from_list(VERDICTS),
                            processing_class=spaced))
near("KTO, spaces: loss", ours("spaced-kto", "loss"), [line["loss"] for line in history])
near("KTO, spaces: divergence", ours("spaced-kto", "divergence"), [line["kl"] for line in history])
for own, other in NAMES.items():
    near(f"KTO, spaces: {own}", ours("spaced-kto", own), [line[other] for line in history])

tune(PAIRS, "smoothed", "--label-smoothing", 0.1)
margins = torch.tensor(ours("smoothed", "margin")[:1])
near("conservative DPO: loss before the first update", ours("smoothed", "loss")[:1],
     (-0.9 * F.logsigmoid(margins) - 0.1 * F.logsigmoid(-margins)).tolist())
sys.exit(1 if failed else 0)
