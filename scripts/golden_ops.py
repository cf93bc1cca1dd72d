#!/usr/bin/env python3
"""Writes tests/golden/ops/<operator>.txt: PyTorch's results for the cases of each operator's sample().

    python3 scripts/golden_ops.py        (needs torch and transformers; run once, the results are committed)

Inputs are drawn as in src/base/random.c and src/ops/sample.c, rounded to f32; PyTorch then computes in f64. For each
case a file contains the output and the gradient of each f32 input; the loss is a scalar output itself, or the sum of
the output weighted by numbers drawn under the name "output". Of long tensors every `stride`-th value is kept.
"""
import math
from pathlib import Path

import torch
import torch.nn.functional as F

from golden_draw import bits, draw_normal, stream_of

torch.set_default_dtype(torch.float64)
OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "ops"
KEPT = 200


class Case:
    """The inputs of one case."""

    def __init__(self, which):
        self.which, self.inputs = which, {}

    def normal(self, name, *shape):
        self.inputs[name] = draw_normal(name, shape).requires_grad_()
        return self.inputs[name]

    @staticmethod
    def ids(name, low, high, *shape):
        stream = stream_of(name)
        return torch.tensor([low + ((bits(stream, i) * (high - low)) >> 64)
                             for i in range(math.prod(shape))]).reshape(shape)


# ---- each operator's cases, as in its sample() ----

def embedding(c):
    return F.embedding(c.ids("ids", 0, 7, 3, 5), c.normal("table", 7, 67))


def linear(c):
    x = c.normal("x", 3, 11, 37)
    weight = c.normal("weight", 37, 19).T if c.which & 1 else c.normal("weight", 19, 37)
    return F.linear(x, weight, None if c.which & 2 else c.normal("bias", 19))


def low_rank(c):
    x, a, b = c.normal("x", 11, 37), c.normal("a", 5, 37), c.normal("b", 19, 5)
    y = x @ c.normal("weight", 19, 37).T if c.which else c.normal("y", 11, 19)
    return y + 0.75 * (x @ a.T) @ b.T


def add(c):
    a = c.normal("a", 7, 31)
    y = a + (a if c.which == 1 else c.normal("b", 7, 31))
    return F.silu(y) + y if c.which == 2 else y


def scale(c):
    x = c.normal("x", 7, 31)
    return x + 1.75 * x if c.which else 1.75 * x


def slice_(c):
    parts = c.normal("x", 2, 5, 27).split(9, dim=-1)
    return parts[0] + parts[1] + parts[2] if c.which == 3 else parts[c.which % 3]


def reverse(c):
    x, lengths = c.normal("x", 5, 6, 7), c.ids("lengths", 0, 7, 5).tolist()
    return torch.stack([torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(x, lengths)])


def rmsnorm(c):
    return F.rms_norm(c.normal("x", 5, 9, 21), (21,), c.which + c.normal("weight", 21), eps=1e-2)


def layernorm(c):
    x, weight = c.normal("x", 5, 9, 21), None if c.which >= 2 else c.normal("weight", 21)
    if c.which >= 3:
        weight = c.normal("weight", 3, 21)
        y = F.layer_norm(x, (21,), eps=1e-2) * weight.repeat(3, 1)
        return y + c.normal("bias", 3, 21).repeat(3, 1) if c.which == 4 else y
    return F.layer_norm(x, (21,), weight, None if c.which else c.normal("bias", 21), eps=1e-2)


def activation(c):
    x = c.normal("x", 9, 37)
    return [lambda: F.gelu(x, approximate="tanh"), lambda: F.gelu(x), lambda: F.relu(x), lambda: F.silu(x),
            lambda: torch.tanh(x), lambda: F.relu(x)**2, lambda: torch.sigmoid(x)][c.which]()


def swiglu(c):
    return F.silu(c.normal("gate", 9, 37)) * c.normal("up", 9, 37)


def multiply(c):
    a = c.normal("a", 9, 37)
    return a * (a if c.which else c.normal("b", 9, 37))


def route(c):
    rows, experts, each = 5, 7, 3
    far = torch.zeros(rows, experts)
    for r in range(rows):
        for e in range(experts):
            far[r, (3 * e + r) % experts] = e
    w = (0.1 * c.normal("logits", rows, experts) + far).softmax(-1).topk(each).values
    return w / w.sum(-1, keepdim=True) if c.which == 1 else w


def experts(c):
    count, width, inner, each = 3, 13, 11, 1 if c.which == 2 else 2
    x, weights = c.normal("x", 2, 5, width), c.normal("weights", 2, 5, each)
    chosen = c.ids("chosen", 0, count - 1 if c.which == 1 else count, 2, 5, each)
    y = torch.zeros(2, 5, width)
    for e in range(count):
        gate, up, down = c.normal(f"gate{e}", inner, width), c.normal(f"up{e}", inner, width), c.normal(f"down{e}", width, inner)
        share = (weights * (chosen == e)).sum(-1, keepdim=True)
        y = y + share * F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down)
    return y


def dropout_mask(stream, shape, p):
    dropped, count = int(p * 65536), math.prod(shape)
    levels = [(bits(stream, i // 4) >> (16 * (i % 4))) & 0xFFFF for i in range(count)]
    return torch.tensor([0 if v < dropped else 65536 / (65536 - dropped) for v in levels]).reshape(shape)


def dropout(c):
    x = c.normal("x", 13, 7)
    return 2 * x if c.which == 1 else x * dropout_mask(1, (13, 7), 0.3) + x * dropout_mask(2, (13, 7), 0.3)


def residual(c):
    x, change = c.normal("x", 7, 31), c.normal("change", 7, 31)
    y = x + (change * dropout_mask(1, (7, 31), 0.3) if c.which == 1 else change)
    return x + y * dropout_mask(1, (7, 31), 0.2) if c.which == 2 else y


def rope(c):
    from transformers import LlamaConfig
    from transformers.models.glm.modeling_glm import apply_rotary_pos_emb as apply_interleaved
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
    x = c.normal("x", 2, 5, 30)
    start = c.ids("start", 1, 9, 2) if c.which & 1 else torch.zeros(2, dtype=torch.long)
    size = 10 if c.which < 2 else 6
    config = LlamaConfig(hidden_size=3 * size, num_attention_heads=3, head_dim=size)
    config.rope_theta = 50.0
    config.rope_parameters = {"rope_type": "default", "rope_theta": 50.0}
    heads = x.reshape(2, 5, 3, 10).transpose(1, 2)
    places = start[:, None] + torch.arange(5)
    if c.which == 3:  # the frequencies of the second sequence are halved
        places = torch.stack([places[0], places[1] / 2])
    if c.which == 4:  # two texts in each sequence
        places = torch.tensor([0, 1, 2, 0, 1]).expand(2, 5)
    cosine, sine = LlamaRotaryEmbedding(config)(x, places)
    if c.which == 3:  # as Cohere's and GLM's apply_rotary_pos_emb
        turned, _ = apply_interleaved(heads[..., :size], heads[..., :size], 1.25 * cosine, 1.25 * sine)
    else:
        turned, _ = apply_rotary_pos_emb(heads[..., :size], heads[..., :size], cosine, sine)
    return torch.cat([turned, heads[..., size:]], -1).transpose(1, 2).reshape(2, 5, 30)


def attention(c):
    which, size, heads = c.which, 5, 6
    cache, kv_heads = which in (3, 5, 9, 11), heads if which < 2 else 2
    time, keys = [(7, 7), (7, 7), (70, 70), (7, 15), (7, 8), (1, 15), (1, 4), (70, 70), (7, 7), (6, 310), (70, 9), (7, 15), (70, 70), (70, 70), (70, 70)][which]
    biased = which in (10, 11, 14)
    bias = c.normal("bias", time + keys - 1 if which == 10 else keys, heads) if biased else None
    q = c.normal("q", 2, time, heads * size)
    k, v = c.normal("k", 2, keys, kv_heads * size), c.normal("v", 2, keys, kv_heads * size)
    start = c.ids("start", *((280, 304) if which == 9 else (1, 8)), 2) if cache else torch.zeros(2, dtype=torch.long)
    lengths = c.ids("lengths", 0 if which == 6 else 2, 5, 2) if which in (4, 6) else torch.full((2,), keys)
    key, query = torch.arange(keys)[None, None, :], torch.arange(time)[None, :, None]
    seen = (key < lengths[:, None, None]).expand(2, time, keys)
    distance = start[:, None, None] + query - key
    if which not in (1, 4, 6, 10):
        seen = seen & (distance >= 0)
    if which in (7, 9, 13):
        seen = seen & (distance < (20 if which == 9 else 5))
    begins = torch.zeros(2, time, dtype=torch.long)
    if which > 11:  # texts of 1, 2, 3, ... tokens; the second sequence of 4, 5, ...
        for b in (0, 1):
            begin, length = 0, 1 + 3 * b
            for t in range(time):
                if t == begin + length:
                    begin, length = t, length + 1
                begins[b, t] = begin
        seen = seen & (key >= begins[:, :, None])
    blind = ~seen.any(-1, keepdim=True)
    split = lambda t, h: t.reshape(2, -1, h, size).transpose(1, 2).repeat_interleave(heads // h, 1)
    scores = split(q, heads) @ split(k, kv_heads).mT * (0.7 if which == 9 else size**-0.5)
    if which in (8, 9):
        scores = 1.5 * torch.tanh(scores / 1.5)
    if biased:
        row = time - 1 - distance if which == 10 else (key - begins[:, :, None]).clamp(min=0)
        scores = scores + bias[row.expand(2, -1, -1)].movedim(-1, 1)
    y = scores.masked_fill(~(seen | blind)[:, None], -torch.inf).softmax(-1) @ split(v, kv_heads)
    return (y.transpose(1, 2) * ~blind[..., None]).reshape(2, time, heads * size)


def additive_attention(c):
    time = 1 if c.which == 2 else 5
    q, k, v, weight = c.normal("q", 3, time, 9), c.normal("k", 3, 6, 9), c.normal("v", 3, 6, 7), c.normal("weight", 9)
    lengths = c.ids("lengths", 0, 5, 3) if c.which == 1 else torch.full((3,), 6)
    seen = torch.arange(6) < lengths[:, None, None]
    blind = ~seen.any(-1, keepdim=True)
    scores = torch.tanh(q[:, :, None] + k[:, None]) @ weight
    return scores.masked_fill(~(seen | blind), -torch.inf).softmax(-1) @ v * ~blind


def cross_entropy(c):
    which, rows = c.which, 1500 if c.which in (3, 7) else 13
    h, weight = c.normal("h", rows, 11), c.normal("weight", 23, 11)
    bias = c.normal("bias", 23) if which in (1, 3, 7) else None
    targets = c.ids("targets", -2, 0 if which == 4 else 23, rows)
    logits = F.linear(h, weight, bias)
    logits = 2.5 * torch.tanh(logits / 2.5) if which in (5, 8) else logits
    total = F.cross_entropy(logits, targets.clamp(min=-1), ignore_index=-1, reduction="sum",
                            label_smoothing=0.1 if which in (1, 5, 7) else 0)
    if which > 5:
        w, t = 0.7 if which == 7 else 0.5, 1 if which == 6 else 2
        total = (1 - w) * total + w * t * t * divergence(logits / t, targets, 23 if which == 8 else 4)
    return total / (29 if which in (2, 8) else max(1, int((targets >= 0).sum())))


def divergence(logits, targets, count):
    """Of softmax(logits) from the distributions of cross_entropy.c's sample_soft, over `count` tokens and all others as one."""
    rows, vocabulary = logits.shape
    ids = (torch.arange(rows)[:, None] + 5 * torch.arange(count)) % vocabulary
    odd = (torch.arange(rows)[:, None] % 2 == 1) & (count < vocabulary)
    q = torch.where(odd, 0.8, 1.0).float().double() * 0.5 ** (torch.arange(count) + 1)
    p = torch.softmax(logits, -1)
    if count < vocabulary:
        others = torch.ones_like(p).scatter(1, ids, 0)
        p = torch.cat([torch.gather(p, 1, ids), (p * others).sum(1, keepdim=True)], 1)
        q = torch.cat([q, 1 - q.sum(1, keepdim=True)], 1)
    else:
        p = torch.gather(p, 1, ids)
    return (torch.xlogy(q, q) - q * p.log())[targets >= 0].sum()


def log_likelihood(c):
    which, (b, t) = c.which, (6, 250) if c.which == 2 else (3, 5)
    h, weight = c.normal("h", b, t, 11), c.normal("weight", 23, 11)
    bias = c.normal("bias", 23) if which in (1, 2) else None
    targets = c.ids("targets", -9, 0 if which == 3 else 23, b, t)
    logits = F.linear(h, weight, bias)
    logits = 2.5 * torch.tanh(logits / 2.5) if which == 4 else logits
    each = torch.gather(torch.log_softmax(logits, -1), 2, targets.clamp(min=0)[..., None])[..., 0]
    return (each * (targets >= 0)).sum(1)


def preference(c):
    def given(*values):
        return torch.tensor(values, dtype=torch.float32).double()
    reference = given(0.5, -0.25, 1, -1.5, 0, 0.75, -0.5, 2)
    scales = given(0.1, 0.2, 0.5, 0.25, 1, 0.3, 0.7, 0.05) if c.which == 1 else given(*[0.3] * 8)
    rewards = scales * (c.normal("y", 8) - reference)
    if c.which == 2:
        good = torch.tensor([1, 0, 0, 1, 1, 0, 1, 0]).bool()
        losses = torch.where(good, 1.5 * (1 - torch.sigmoid(rewards - 0.2)), 0.75 * (1 - torch.sigmoid(0.2 - rewards)))
        return losses.mean()
    d, s = rewards[0::2] - rewards[1::2], 0.1 if c.which == 1 else 0
    return (-(1 - s) * F.logsigmoid(d) - s * F.logsigmoid(-d)).mean()


def recurrent(c, kind, gates):
    time = 1 if c.which == 2 else 4
    x, weight = c.normal("x", 5, time, gates * 7), c.normal("weight", gates * 7, 7)
    bias = c.normal("bias", gates * 7) if kind is torch.gru else torch.zeros(gates * 7)
    names = ["h0"] if kind is torch.gru else ["h0", "c0"]
    states = [(c.normal(n, 5, 7) if c.which else torch.zeros(5, 7))[None] for n in names]
    through = [torch.eye(gates * 7), weight, torch.zeros(gates * 7), bias]
    return kind(x, states[0] if kind is torch.gru else states, through, True, 1, 0.0, False, False, True)[0]


def lstm(c):
    return recurrent(c, torch.lstm, 4)


def gru(c):
    return recurrent(c, torch.gru, 3)


def token_shift(c):
    x = c.normal("x", 3, 1 if c.which == 2 else 5, 7)
    before = c.normal("before", 3, 7) if c.which else torch.zeros(3, 7)
    return torch.cat([before[:, None], x[:, :-1]], 1)


def lerp(c):
    return torch.lerp(c.normal("x", 3, 15, 21), c.normal("y", 3, 15, 21), c.normal("share", *(3, 15, 21)[0 if c.which else 2:]))


def unit(c):
    return F.normalize((c.normal("x", 3, 15, 21) * c.normal("weight", 21)).unflatten(-1, (3, 7)), dim=-1).flatten(-2)


def wkv7(c):
    sequences, time, heads, size = 2, (19, 5, 1)[c.which], 2, 5
    r, z, k, v, remove, rate = (c.normal(n, sequences, time, heads * size).unflatten(-1, (heads, size)) for n in ("r", "z", "k", "v", "c", "a"))
    remove, rate, w = 0.4 * remove, 0.4 * rate, torch.exp(-math.exp(-0.5) * torch.sigmoid(z))
    state = c.normal("state", sequences, heads * size * size).reshape(sequences, heads, size, size) if c.which else torch.zeros(sequences, heads, size, size)
    out = []
    for t in range(time):
        removed = state @ remove[:, t, :, :, None]
        state = state * w[:, t, :, None] - removed * (remove * rate)[:, t, :, None] + v[:, t, :, :, None] * k[:, t, :, None]
        out.append((state @ r[:, t, :, :, None]).flatten(1))
    return torch.stack(out, 1)


def bonus(c):
    x, r, k, v = (c.normal(n, 3, 5, 21) for n in ("x", "r", "k", "v"))
    return x + ((r * k * c.normal("weight", 21)).unflatten(-1, (3, 7)).sum(-1, keepdim=True) * v.unflatten(-1, (3, 7))).flatten(-2)


CASES = {embedding: 1, linear: 4, low_rank: 2, add: 3, residual: 3, scale: 2, slice_: 4, reverse: 1, rmsnorm: 2, layernorm: 5, activation: 7, swiglu: 1, multiply: 2,
         route: 2, experts: 3, dropout: 2, rope: 5, attention: 15, additive_attention: 3, cross_entropy: 9, log_likelihood: 5,
         preference: 3, lstm: 3, gru: 3,
         token_shift: 3, lerp: 2, unit: 1, wkv7: 3, bonus: 1}


# ---- writing ----

def write_tensor(file, what, tensor):
    values = tensor.detach().flatten().tolist()
    stride = max(1, -(-len(values) // KEPT)) | 1  # odd, to cover every column
    kept = values[::stride]
    file.write(f"{what} {len(values)} {stride}\n")
    for i in range(0, len(kept), 8):
        file.write(" ".join(f"{v:.9g}" for v in kept[i:i + 8]) + "\n")


def write_operator(operator, cases):
    name = operator.__name__.rstrip("_")
    with open(OUT / f"{name}.txt", "w") as file:
        for which in range(cases):
            case = Case(which)
            y = operator(case)
            (y * (draw_normal("output", tuple(y.shape)) if y.dim() else 1)).sum().backward()
            file.write(f"case {which}\n")
            write_tensor(file, "output", y)
            for input_name, tensor in case.inputs.items():
                write_tensor(file, input_name, tensor.grad)


if __name__ == "__main__":
    for operator, cases in CASES.items():
        write_operator(operator, cases)
