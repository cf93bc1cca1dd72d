#!/usr/bin/env python3
"""Training an adapter: Inkstone against PEFT on PyTorch, in the shape of SmolLM2-135M, run alternately.

    bench/peers/lora.py INKSTONE [--precision f32|bf16] [--types f32,bf16,q8_0,q4_0] [--rounds 2] [--threads N] [--rank 16] [--compile] [--json]

A step is forward, backward, gradient clipping and AdamW of the adapter, on random tokens, 4 sequences of 256, LoRA on all linear
layers. With bf16, PyTorch's base weights are bf16 and its forward runs under autocast; Inkstone's base has each of the types. Each round
runs Inkstone (`inkstone bench train --rank`), then PEFT, each in a separate process; the best of each counts. Memory is the peak resident
set without the weights of the base (of PEFT also without what importing its packages took; Inkstone's benchmark holds the base in
memory, as f32 and in its type, where training maps its file).
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

SHAPE = dict(layers=30, width=576, heads=9, kv_heads=3, ffn=1536, vocab=49152, context=256, batch=4)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkstone")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--types", default="f32")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--theirs", action="store_true", help=argparse.SUPPRESS)  # one measurement, in a separate process
    return parser.parse_args()


def measure_theirs(args):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    torch.set_num_threads(args.threads)
    config = LlamaConfig(vocab_size=SHAPE["vocab"], hidden_size=SHAPE["width"], intermediate_size=SHAPE["ffn"], num_hidden_layers=SHAPE["layers"],
                         num_attention_heads=SHAPE["heads"], num_key_value_heads=SHAPE["kv_heads"], tie_word_embeddings=True, use_cache=False)
    base = LlamaForCausalLM(config).to(torch.bfloat16 if args.precision == "bf16" else torch.float32)
    weights = sum(p.numel() * p.element_size() for p in base.parameters())
    model = get_peft_model(base, LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    learned = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(learned, lr=1e-6, fused=True)
    step_of = torch.compile(model) if args.compile else model
    tokens = torch.randint(0, SHAPE["vocab"], (SHAPE["batch"], SHAPE["context"]))

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = step_of(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1)
        adam.step()
        adam.zero_grad()

    step()
    best, begin = float("inf"), time.monotonic()
    while time.monotonic() - begin < 6 or best == float("inf"):
        start = time.monotonic()
        step()
        best = min(best, time.monotonic() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"tokens_per_second": tokens.numel() / best, "memory": (after - before) * 1024 - weights}))


def ours(args, type):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SHAPE.items()]
    out = subprocess.run([args.inkstone, "bench", "train", *flags, "--rank", str(args.rank), "--type", type, "--precision", args.precision,
                          "--repeats", "3", "--threads", str(args.threads), "--json"], capture_output=True, text=True, check=True)
    answer = json.loads(out.stdout)
    return {"tokens_per_second": answer["tokens_per_second"], "share_of_peak": answer["share_of_peak"], "activations": answer["activation_bytes"]}


def theirs(args):
    out = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--theirs"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])


def main():
    args = parse()
    if args.theirs:
        return measure_theirs(args)
    best = {}
    for _ in range(args.rounds):
        for name, answer in [(f"Inkstone {type}", ours(args, type)) for type in args.types.split(",")] + [("PEFT", theirs(args))]:
            if answer["tokens_per_second"] > best.get(name, answer)["tokens_per_second"] or name not in best:
                best[name] = answer
    if args.json:
        return print(json.dumps(best, indent=2))
    for name, answer in best.items():
        share = f"  {100 * answer['share_of_peak']:.0f} % of the peak" if "share_of_peak" in answer else ""
        memory = answer.get("memory", answer.get("activations"))
        print(f"{name:16} {answer['tokens_per_second']:8.0f} tokens/s  {answer['tokens_per_second'] / best['PEFT']['tokens_per_second']:.2f} of PEFT's  "
              f"{memory / 1e6:6.0f} MB{share}")


if __name__ == "__main__":
    main()
