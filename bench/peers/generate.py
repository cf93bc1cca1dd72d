#!/usr/bin/env python3
"""Reading a prompt and generating: Inkstone against PyTorch (transformers' Llama), in the same shape, run alternately.

    bench/peers/generate.py INKSTONE [--prompt 512] [--new 64] [--rounds 3] [--threads N] [--json]

Random f32 weights in the shape of SmolLM2-135M; one sequence. Settings favour PyTorch: fused attention, inference mode, logits of the last
position only, and the better of the static cache, which grows without copies, and the default cache. Inkstone runs as `inkstone bench
generate` in a separate process. The best of each counts.
"""
import argparse
import json
import os
import sys
import time

from common import SHAPE, generate, version

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("inkstone")
parser.add_argument("--prompt", type=int, default=512)
parser.add_argument("--new", type=int, default=64)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--json", action="store_true")
args = parser.parse_args()

import torch
import transformers
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM, StaticCache

torch.set_num_threads(args.threads)
torch.manual_seed(1)
config = LlamaConfig(vocab_size=SHAPE["vocab"], hidden_size=SHAPE["width"], intermediate_size=SHAPE["ffn"], num_hidden_layers=SHAPE["layers"],
                     num_attention_heads=SHAPE["heads"], num_key_value_heads=SHAPE["kv-heads"], max_position_embeddings=SHAPE["context"],
                     tie_word_embeddings=True, attn_implementation="sdpa")
model = LlamaForCausalLM(config).float().eval()
tokens = torch.randint(0, SHAPE["vocab"], (1, args.prompt + args.new))


def theirs(static):
    cache = StaticCache(config=config, max_cache_len=args.prompt + args.new) if static else DynamicCache(config=config)
    with torch.inference_mode():
        start = time.perf_counter()
        model(tokens[:, :args.prompt], past_key_values=cache, use_cache=True, logits_to_keep=1)
        read = time.perf_counter()
        for i in range(args.prompt, args.prompt + args.new):
            model(tokens[:, i:i + 1], past_key_values=cache, use_cache=True, cache_position=torch.tensor([i]), logits_to_keep=1)
        end = time.perf_counter()
    return args.prompt / (read - start), args.new / (end - read)


own, other = [], []
for round_ in range(args.rounds + 1):
    mine, modes = generate(args.inkstone, args.prompt, args.new, args.threads), [theirs(static) for static in (False, True)]
    if round_:  # the first round is a warm-up
        own.append(mine)
        other += modes
read, write = max(o[0] for o in other), max(o[1] for o in other)
best_read = max(own, key=lambda r: r["prompt_tokens_per_second"])
best_write = max(own, key=lambda r: r["new_tokens_per_second"])
rows = [
    {"work": f"reading {args.prompt} tokens", "ours": best_read["prompt_tokens_per_second"], "theirs": read,
     "share": best_read["prompt_share_of_peak"], "of": f"{best_read['peak_flops_per_second'] / 1e9:.0f} GFLOP/s"},
    {"work": f"writing {args.new} tokens", "ours": best_write["new_tokens_per_second"], "theirs": write,
     "share": best_write["new_share_of_memory_bandwidth"], "of": f"{best_write['memory_bytes_per_second'] / 1e9:.1f} GB/s"},
]
if args.json:
    print(json.dumps({"rows": rows, "torch": torch.__version__, "transformers": transformers.__version__}, indent=2))
else:
    print(f"{args.threads} threads, {own[0]['isa']}, f32, llama of {sum(p.numel() for p in model.parameters()) / 1e6:.0f}M parameters; "
          f"{version(args.inkstone)}; torch {torch.__version__}, transformers {transformers.__version__}, Python {sys.version.split()[0]}")
    for r in rows:
        print(f"{r['work']:20} Inkstone {r['ours']:7.1f} tokens/s, {100 * r['share']:.0f} % of {r['of']}   PyTorch {r['theirs']:7.1f} tokens/s   "
              f"{r['ours'] / r['theirs']:.2f} times as fast")
