#!/usr/bin/env python3
"""seq2seq against PyTorch's recurrences on the same weights: the same log-probabilities of what is written. Development only.

    test_seq2seq.py INKSTONE      exit 1 where something differs, 77 where torch is absent

A model is trained for a moment, then `translate --json` writes from sources of many lengths at once, greedily and by beam search;
PyTorch reads each source alone, with no padding, and each text as a whole, with no state kept.
"""
import json
import os
import sys

from peer import failed, run

try:
    import torch
    from safetensors.torch import load_file
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
MOST, LONGEST = 1e-4, 20

WORDS = "one two three four five six seven eight nine ten".split()
NUMBERS = "eins zwei drei vier fünf sechs sieben acht neun zehn".split()


def pair(i):
    digits = [(i * i * 7 + 3 * k * i + k * k) % 10 for k in range(1 + i % 9)]
    return " ".join(WORDS[d] for d in digits), " ".join(NUMBERS[d] for d in reversed(digits))


with open("pairs.tsv", "w", encoding="utf-8") as out:
    out.writelines("\t".join(pair(i)) + "\n" for i in range(400))
SOURCES = [pair(i)[0] for i in range(1000, 1018)]


class Model:
    def __init__(self, directory):
        with open(os.path.join(directory, "config.json")) as file:
            self.config = json.load(file)
        self.weights = {name: w.double() for name, w in load_file(os.path.join(directory, "model.safetensors")).items()}
        self.table = self.weights["model.embed_tokens.weight"]

    def recurrence(self, scope, x):
        """x [T,D] through PyTorch's own layer with these weights."""
        w = lambda name: self.weights[f"model.{scope}.{name}"]
        kind = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[self.config["cell"]]
        layer = kind(x.shape[1], x.shape[1], dtype=torch.double)
        layer.load_state_dict({"weight_ih_l0": w("weight_ih"), "weight_hh_l0": w("weight_hh"), "bias_ih_l0": w("bias_ih"),
                               "bias_hh_l0": w("bias_hh") if self.config["cell"] == "gru" else torch.zeros_like(w("bias_ih"))})
        return layer(x)[0]

    def linear(self, scope, x):
        return torch.nn.functional.linear(x, self.weights[f"model.{scope}.weight"], self.weights.get(f"model.{scope}.bias"))

    def embed(self, ids):
        return self.table[torch.tensor(ids)] * self.table.shape[1] ** 0.5

    def encode(self, source):
        x = self.embed(source)
        for i in range(self.config["encoder_layers"]):
            at = f"encoder.layers.{i}."
            back = self.recurrence(at + "backward", x.flip(0)).flip(0)
            x = self.linear(at + "join_forward", self.recurrence(at + "forward", x)) + self.linear(at + "join_backward", back)
        return x

    def attend(self, h, memory):
        q = self.linear("decoder.query", h)
        if self.config["attention"] == "multiplicative":
            scores = q @ memory.T / q.shape[1] ** 0.5
        else:
            k = self.linear("decoder.key", memory)
            scores = torch.tanh(q[:, None] + k[None]) @ self.weights["model.decoder.score"]
        return scores.softmax(-1) @ memory

    @torch.no_grad()
    def log_probabilities(self, source, target):
        memory = self.encode(source)
        h = self.embed(target) + self.linear("decoder.summary", memory[0])
        for i in range(self.config["num_hidden_layers"]):
            h = self.recurrence(f"decoder.layers.{i}", h)
        y = self.linear("decoder.join_state", h) + self.linear("decoder.join_context", self.attend(h, memory))
        out = self.weights.get("lm_head.weight", self.table)
        return torch.log_softmax(torch.tanh(y) @ out.T + self.weights["lm_head.bias"], -1)


def ids_here(directory, text):
    return [int(i) for i in run("tokenizer", "encode", "-m", directory, text).split()]


def compare_written(directory, model, beam):
    """Texts whose tokens are those that the tokenizer makes of them; there may be others."""
    end, start = model.config["eos_token_id"], model.config["decoder_start_token_id"]
    lines = run("translate", "-m", directory, "--json", "--beam", beam, "--n-best", beam, "--max-tokens", LONGEST,
                text="".join(s + "\n" for s in SOURCES)).splitlines()
    worst = compared = 0
    for output in map(json.loads, lines):
        ids = ids_here(directory, output["text"]) if output["text"] else []
        written = round(output["logprob"] / output["score"])  # the score is the mean; the end counts, which a cut text has not
        if len(ids) + 1 != written:
            continue
        ids += [end] * (len(ids) < LONGEST)
        log_p = model.log_probabilities(ids_here(directory, output["source"]) + [end], [start] + ids[:-1])
        worst = max(worst, abs(sum(log_p[i, token].item() for i, token in enumerate(ids)) - output["logprob"]))
        compared += 1
    good = worst <= MOST and compared > len(SOURCES) // 2
    print(f"{'ok' if good else 'DIFFERENT'}: {directory}, beam {beam}: {compared} texts, at most {worst:.3g}", flush=True)
    if not good:
        failed.append(f"{directory}, beam {beam}")


def compare(name, *flags):
    run("train", "translate", "pairs.tsv", "-o", name, "--arch", "seq2seq", "--width", 24, "--context", 96, "--batch", 16, "--steps", 60,
        "--warmup", 3, "--lr", 0.01, "--tokenizer", "bpe", "--vocab", 320, "--threads", 1, "-q", *flags)
    model = Model(name)
    compare_written(name, model, 1)
    compare_written(name, model, 4)


compare("gru_additive", "--layers", 1)
compare("gru_multiplicative", "--attention", "multiplicative", "--layers", 2, "--encoder-layers", 1)
compare("lstm_additive", "--cell", "lstm", "--layers", 1, "--encoder-layers", 2, "--no-tied")
compare("lstm_multiplicative", "--cell", "lstm", "--attention", "multiplicative", "--layers", 2)

print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
