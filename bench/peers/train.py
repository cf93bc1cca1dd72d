#!/usr/bin/env python3
"""Training steps: Inkstone against PyTorch, in the same shapes, run alternately.

    bench/peers/train.py INKSTONE [--shapes gpt2-30m,llama-6m,marian-tiny,lstm-650] [--precision f32|bf16] [--rounds 3] [--threads N] [--json]

A step is forward, backward, gradient clipping and AdamW, on random tokens. Settings favour PyTorch: its fused attention and optimizer,
embeddings looked up once, all threads, and the better of eager mode and torch.compile (which needs a C++ compiler; --no-compile skips it).
With bf16, weights and optimizer stay f32 in both; PyTorch's forward runs under autocast. Each round runs Inkstone (`inkstone bench train`),
then PyTorch, each in a separate process; the best of each counts. Memory is the peak resident set: of Inkstone the whole process, of PyTorch
without what importing torch took.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

from common import shapes

# name: (kind, layers, width, heads, ffn, vocabulary, sequences, time, dropout)
SHAPES = {name: (s["arch"], s["layers"], s["width"], s.get("heads", 1), s.get("ffn", 0), s["vocab"], s["batch"], s["context"], s.get("dropout", 0))
          for name, s in shapes("training").items()}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkstone")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--theirs", help=argparse.SUPPRESS)  # one measurement, in a separate process
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- theirs ----

def build(torch, shape):
    """A module whose forward takes tokens [B, T] and returns the loss with the same tokens as targets."""
    nn, F = torch.nn, torch.nn.functional
    kind, layers, width, heads, ffn, vocabulary, sequences, length, dropout = shape

    class Attention(nn.Module):
        def __init__(self, bias, rope=False, fused=True):
            super().__init__()
            self.rope, self.fused = rope, fused
            self.qkv = nn.Linear(width, 3 * width, bias=bias)
            self.out = nn.Linear(width, width, bias=bias)
            if rope:
                angle = torch.outer(torch.arange(length), 10000 ** (-torch.arange(0, width // heads, 2) / (width // heads)))
                self.register_buffer("cos", torch.cat([angle.cos()] * 2, -1))
                self.register_buffer("sin", torch.cat([angle.sin()] * 2, -1))

        def turn(self, x):
            a, b = x.chunk(2, -1)
            return x * self.cos + torch.cat([-b, a], -1) * self.sin

        def forward(self, x, memory=None, causal=True):
            split = lambda t: t.view(t.shape[0], -1, heads, width // heads).transpose(1, 2)
            if memory is None:
                q, k, v = map(split, self.qkv(x).split(width, -1))
            else:
                q = split(F.linear(x, self.qkv.weight[:width], self.qkv.bias[:width]))
                k, v = map(split, F.linear(memory, self.qkv.weight[width:], self.qkv.bias[width:]).split(width, -1))
            if self.rope:
                q, k = self.turn(q), self.turn(k)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return self.out(y.transpose(1, 2).reshape(x.shape))

    class GptBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2, self.attention = nn.LayerNorm(width), nn.LayerNorm(width), Attention(True)
            self.up, self.down = nn.Linear(width, ffn), nn.Linear(ffn, width)

        def forward(self, x):
            x = x + self.attention(self.n1(x))
            return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))

    class LlamaBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2, self.attention = nn.RMSNorm(width), nn.RMSNorm(width), Attention(False, rope=True)
            self.gate_up, self.down = nn.Linear(width, 2 * ffn, bias=False), nn.Linear(ffn, width, bias=False)

        def forward(self, x):
            x = x + self.attention(self.n1(x))
            gate, up = self.gate_up(self.n2(x)).chunk(2, -1)
            return x + self.down(F.silu(gate) * up)

    class MarianBlock(nn.Module):
        def __init__(self, decoder):
            super().__init__()
            self.causal = decoder
            self.parts = nn.ModuleList([Attention(True) for _ in range(1 + decoder)])
            self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2 + decoder)])
            self.up, self.down, self.drop = nn.Linear(width, ffn), nn.Linear(ffn, width), nn.Dropout(dropout)

        def forward(self, x, memory=None):
            x = self.norms[0](x + self.drop(self.parts[0](x, causal=self.causal)))
            if memory is not None:
                x = self.norms[2](x + self.drop(self.parts[1](x, memory, causal=False)))
            return self.norms[1](x + self.drop(self.down(F.relu(self.up(x)))))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(vocabulary, width)
            self.drop = nn.Dropout(dropout)
            if kind in ("gpt2", "marian"):
                self.positions = nn.Parameter(torch.zeros(length, width), requires_grad=kind == "gpt2")
            if kind == "lstm":
                self.recurrent = nn.LSTM(width, width, layers, batch_first=True)
            elif kind == "marian":
                self.encoder = nn.ModuleList([MarianBlock(False) for _ in range(layers)])
                self.decoder = nn.ModuleList([MarianBlock(True) for _ in range(layers)])
            else:
                self.blocks = nn.ModuleList([{"gpt2": GptBlock, "llama": LlamaBlock}[kind]() for _ in range(layers)])
                self.norm = {"gpt2": nn.LayerNorm, "llama": nn.RMSNorm}[kind](width)

        def forward(self, tokens):
            x = self.table(tokens)
            if kind == "lstm":
                x, _ = self.recurrent(x)
            elif kind == "marian":
                memory = x = self.drop(x * width ** 0.5 + self.positions)
                for block in self.encoder:
                    memory = block(memory)
                for block in self.decoder:
                    x = block(x, memory)
            else:
                x = x + self.positions if kind == "gpt2" else x
                for block in self.blocks:
                    x = block(x)
                x = self.norm(x)
            logits = F.linear(x, self.table.weight)
            return F.cross_entropy(logits.view(-1, vocabulary), tokens.view(-1))

    return Network()


def measure_theirs(args):
    import torch
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    shape = SHAPES[args.theirs]
    network = build(torch, shape)
    tokens = torch.randint(0, shape[5], (shape[6], shape[7]))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-6, fused=True)
    forward = torch.compile(network) if args.compiled else network

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = forward(tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0, foreach=True)
        optimizer.step()

    for _ in range(3):
        step()
    best, begin = 1e9, time.perf_counter()
    while time.perf_counter() - begin < 3:
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": best, "memory": memory * 1024, "version": torch.__version__}))


# ---- both ----

def child(command, env=None):
    """Runs a command; returns its output and its peak resident set in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    out = process.stdout.read()
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(error.decode()[-2000:])
    return json.loads(out), usage.ru_maxrss * 1024


def ours(args, name):
    kind, layers, width, heads, ffn, vocabulary, sequences, length, dropout = SHAPES[name]
    command = [args.inkstone, "bench", "train", "--arch", kind, "--layers", layers, "--width", width, "--vocab", vocabulary, "--batch", sequences,
               "--context", length, "--dropout", dropout, "--precision", args.precision, "--repeats", 3, "--threads", args.threads, "--json", "-q"]
    command += ["--heads", heads, "--ffn", ffn] if kind != "lstm" else []
    result, memory = child(list(map(str, command)))
    return result, memory


def theirs(args, name, compiled):
    command = [sys.executable, __file__, args.inkstone, "--theirs", name, "--precision", args.precision, "--threads", str(args.threads)] + ["--compiled"] * compiled
    tuned = dict(os.environ, MALLOC_TOP_PAD_="268435456", MALLOC_MMAP_THRESHOLD_="1073741824", MALLOC_TRIM_THRESHOLD_="1073741824")
    for name_ in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        tuned.pop(name_, None)
    return child(command, tuned)[0]


def compare(args, name):
    modes = [False] if args.no_compile else [False, True]
    own, other = [], {}
    for _ in range(args.rounds):
        own.append(ours(args, name))
        for mode in list(modes):
            try:
                other.setdefault(mode, []).append(theirs(args, name, mode))
            except RuntimeError as e:
                print(f"{name}: torch.compile skipped: {str(e).strip().splitlines()[-1]}", file=sys.stderr)
                modes.remove(mode)
    result = min(own, key=lambda r: r[0]["seconds_a_step"])
    best = {mode: min(r, key=lambda x: x["seconds"]) for mode, r in other.items()}
    mode = min(best, key=lambda m: best[m]["seconds"])
    seconds = result[0]["seconds_a_step"]
    return {"shape": name, "parameters": result[0]["model"]["parameters"], "ours": seconds, "share_of_peak": result[0]["share_of_peak"],
            "peak": result[0]["peak_flops_per_second"], "isa": result[0]["isa"], "theirs": best[mode]["seconds"], "compiled": mode,
            "ratio": best[mode]["seconds"] / seconds, "our_memory": result[1], "their_memory": best[mode]["memory"],
            "torch": best[mode]["version"], "tokens": result[0]["tokens_a_step"]}


def main():
    args = parse()
    if args.theirs:
        return measure_theirs(args)
    rows = [compare(args, name) for name in args.shapes.split(",")]
    if args.json:
        return print(json.dumps(rows, indent=2))
    print(f"{args.threads} threads, {rows[0]['isa']}, {args.precision}, torch {rows[0]['torch']}, Python {sys.version.split()[0]}")
    for r in rows:
        print(f"{r['shape']:12} {r['parameters'] / 1e6:5.1f}M  Inkstone {r['tokens'] / r['ours']:7.0f} tokens/s, {100 * r['share_of_peak']:.0f} % of "
              f"{r['peak'] / 1e9:.0f} GFLOP/s, {r['our_memory'] / 1e6:.0f} MB   PyTorch{' compiled' if r['compiled'] else ''} {r['tokens'] / r['theirs']:7.0f} "
              f"tokens/s, {r['their_memory'] / 1e6:.0f} MB   {r['ratio']:.2f} times as fast, {r['our_memory'] / max(r['their_memory'], 1):.2f} of the memory")


main()
