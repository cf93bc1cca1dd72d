#!/usr/bin/env python3
"""Measures how cost grows with context, vocabulary, width, depth, batch and threads, and compares it with the expected law.

    bench/scaling.py build/release/inkstone [--only NAME,...] [--seconds 40] [--threads N] [--page docs/performance.md]

One dimension at a time varies around a small llama. A run is a separate process, `inkstone bench train` or `bench generate`. The points are
run alternately until each has two undisturbed runs or has taken --seconds, including waiting; the best run counts. The law is computed from
the shape, not fitted: operations per token, or for writing the values read. The script fails if the program's own count differs. Tables are
written into the page between two comments, plots into plots/ in the same directory. Takes five minutes on two idle cores.
"""
import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, NamedTuple

BASE = {"layers": 4, "width": 256, "vocab": 4096, "context": 256, "batch": 4}
HEAD, NEW = 64, 32  # head size; tokens generated after a prompt of 2^n - NEW tokens
QUIET = 0.1  # processors that other processes may keep busy during an undisturbed run
BEGIN, END = "<!-- scaling:begin -->", "<!-- scaling:end -->"


# ---- laws: the cost of a token, computed from the shape s ----

def block_weights(s):
    """Weights of all blocks: q, k, v and o; gate, up and down with 8/3 of the width, rounded up to a multiple of 32."""
    return s["layers"] * (4 * s["width"] ** 2 + 3 * s["width"] * ((s["width"] * 8 // 3 + 31) // 32 * 32))


def training(s):
    """Operations: forward two per weight, and for attention four per unit of width and key (half of the context); backward twice that."""
    return 6 * (block_weights(s) + s["vocab"] * s["width"] + s["layers"] * s["width"] * (s["context"] + 1))


def training_by_all(s):
    return training(s) / s["threads"]


def reading(s):
    """As forward in training, but with logits for the last row only."""
    return 2 * (block_weights(s) + s["layers"] * s["width"] * (s["prompt"] + 1) + s["vocab"] * s["width"] / s["prompt"])


def writing(s):
    """Values read, each once: the weights, and keys and values of all previous tokens."""
    return block_weights(s) + s["vocab"] * s["width"] + 2 * s["layers"] * s["width"] * (s["prompt"] + NEW / 2)


class Dimension(NamedTuple):
    name: str
    axis: str
    points: list
    shape: Callable  # point -> settings that differ from the base
    law: Callable
    says: str  # the law in words


DIMENSIONS = [
    Dimension("context", "context, tokens", [64, 128, 256, 512, 1024, 2048, 4096, 8192],
              lambda x: {"context": x, "batch": max(1, 2048 // x)}, training, "a + b T: products with weights, and attention to half of the context"),
    Dimension("vocabulary", "vocabulary, tokens", [256, 1024, 4096, 16384, 65536, 150000],
              lambda x: {"vocab": x}, training, "a + b V: blocks, and logits"),
    Dimension("width", "width, values", [64, 128, 256, 512, 1024],
              lambda x: {"width": x}, training, "a D + b D²: attention and logits, and the blocks' weights"),
    Dimension("depth", "blocks", [1, 2, 4, 8, 16, 32], lambda x: {"layers": x}, training, "a + b L: logits, and blocks"),
    Dimension("batch", "sequences of 256 tokens", [1, 2, 4, 8, 16, 32], lambda x: {"batch": x}, training, "constant per token"),
    Dimension("threads", "threads", [], lambda x: {"threads": x}, training_by_all, "1 / threads"),
    Dimension("reading", "prompt, tokens", [64, 128, 256, 512, 1024, 2048, 4096, 8192],
              lambda x: {"prompt": x}, reading, "a + b T: a third of training, with logits of the last token only"),
    Dimension("writing", "text, tokens", [64, 128, 256, 512, 1024, 2048, 4096, 8192],
              lambda x: {"prompt": x - NEW}, writing, "a + b T: weights, and keys and values read; mean of the last 32 tokens"),
]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkstone")
    parser.add_argument("--only", default=",".join(d.name for d in DIMENSIONS), help="dimensions to measure (default: all)")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for all dimensions except threads")
    parser.add_argument("--page", type=Path, default=Path(__file__).parent.parent / "docs/performance.md")
    parser.add_argument("--tiny", action="store_true", help="two points per dimension around a smaller base, to test the script")
    return parser.parse_args()


# ---- measuring ----

def command(args, shape):
    task = ["generate", "--prompt-tokens", shape["prompt"], "--new-tokens", NEW] if "prompt" in shape else ["train", "--batch", shape["batch"]]
    context = shape["prompt"] + NEW if "prompt" in shape else shape["context"]
    words = [args.inkstone, "bench", *task, "--arch", "llama", "--layers", shape["layers"], "--width", shape["width"], "--heads",
             max(1, shape["width"] // HEAD), "--vocab", shape["vocab"], "--context", context, "--threads", shape["threads"], "--repeats", 3, "--json", "-q"]
    return tuple(map(str, words))


def busy():
    """Busy seconds so far: of all processors, including time stolen by other guests of the host, and of child processes."""
    user, nice, system, _, _, interrupt, soft, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK"), own.ru_utime + own.ru_stime


def others_during(work):
    """The mean number of processors that other processes keep busy while `work` runs."""
    (all_before, own_before), start = busy(), time.perf_counter()
    work()
    all_after, own_after = busy()
    return (all_after - all_before - (own_after - own_before)) / (time.perf_counter() - start)


def run(words, patience):
    """Waits up to `patience` seconds for idle processors, runs the command; returns its result, and whether it was undisturbed."""
    done, until = [], time.perf_counter() + patience
    while time.perf_counter() < until and others_during(lambda: time.sleep(0.25)) > QUIET:
        pass
    others = others_during(lambda: done.append(subprocess.run(words, capture_output=True, text=True)))
    if done[0].returncode:
        sys.exit(f"{' '.join(words)}: {done[0].stderr.strip()}")
    return dict(json.loads(done[0].stdout), quiet=others <= QUIET)


def seconds(dimension, answer):
    """Seconds per token."""
    return 1 / answer[{"reading": "prompt_tokens_per_second", "writing": "new_tokens_per_second"}.get(dimension.name, "tokens_per_second")]


def check_law(shape, answer):
    if "prompt" in shape:
        law, counted = reading(shape), answer["prompt_share_of_peak"] * answer["peak_flops_per_second"] / answer["prompt_tokens_per_second"]
    else:
        law, counted = training(shape), answer["flops_a_token"]
    if abs(law / counted - 1) > 1e-3:
        sys.exit(f"{shape}: the law counts {law:.0f} operations per token, the program {counted:.0f}")


def measure(args, dimensions):
    """(dimension, x, shape, answers) for each point; dimensions share the measurements of the base."""
    base = dict(BASE, threads=args.threads, **({"layers": 1, "width": 64, "vocab": 256, "context": 64, "batch": 1} if args.tiny else {}))
    points = [(d, x, {**base, **d.shape(x)}) for d in dimensions for x in d.points]
    answers = {command(args, shape): [] for _, _, shape in points}
    spent, pending = dict.fromkeys(answers, 0.0), list(answers)
    while pending:
        print(f"{len(pending)} of {len(answers)} points left to measure", file=sys.stderr)
        for words in pending:
            start = time.perf_counter()
            answers[words].append(run(words, args.seconds / 8))
            spent[words] += time.perf_counter() - start
        pending = [words for words in answers if spent[words] < args.seconds and sum(a["quiet"] for a in answers[words]) < 2]
    for _, _, shape in points:
        check_law(shape, answers[command(args, shape)][0])
    return [(d, x, shape, answers[command(args, shape)]) for d, x, shape in points]


class Row(NamedTuple):
    x: int
    seconds: float   # per token
    law: float       # expected cost relative to the first row
    measured: float  # measured cost relative to the first row
    best: dict       # the best result


def rows_of(dimension, measured):
    found = [(x, dimension.law(shape), min(answers, key=lambda a: seconds(dimension, a))) for d, x, shape, answers in measured if d is dimension]
    _, law, first = found[0]
    return [Row(x, seconds(dimension, best), cost / law, seconds(dimension, best) / seconds(dimension, first), best) for x, cost, best in found]


# ---- tables ----

def figures(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def departure(ratio):
    """Bold if more than a quarter off, which the page should explain."""
    return f"{ratio:.2f}" if abs(ratio - 1) <= 0.25 else f"**{ratio:.2f}**"


def extra(dimension, best):
    """Further columns for a point: (heading, text)."""
    if dimension.name == "writing":
        return [("of the memory bandwidth, weights only", f"{100 * best['new_share_of_memory_bandwidth']:.0f} %")]
    if dimension.name == "reading":
        return [("of the peak", f"{100 * best['prompt_share_of_peak']:.0f} %")]
    # weights, gradients and two moments of AdamW, four bytes each
    expected = 16 * best["model"]["parameters"] + best["activation_bytes"]
    return [("of the peak", f"{100 * best['share_of_peak']:.0f} %"), ("memory, MB", figures(best["resident_bytes"] / 1e6)),
            ("expected", figures(expected / 1e6))]


def table(dimension, rows):
    headings = [dimension.axis, "µs per token", "relative to the first", "expected", "measured / expected"] + [h for h, _ in extra(dimension, rows[0].best)]
    lines = [f"### {dimension.name.capitalize()}", "", f"Law: {dimension.says}.", "", f"![{dimension.name}](plots/scaling-{dimension.name}.svg)", "",
             "| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for r in rows:
        cells = [f"{r.x:,}", figures(1e6 * r.seconds), figures(r.measured), figures(r.law), departure(r.measured / r.law)]
        lines.append("| " + " | ".join(cells + [text for _, text in extra(dimension, r.best)]) + " |")
    return "\n".join(lines) + "\n"


def machine(args, measured):
    lscpu = subprocess.run(["lscpu"], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    model = re.search(r"Model name:\s*(.+)", lscpu)
    answers = [found for *_, shape, found in measured if shape["threads"] == args.threads]
    peak, memory = (max(a[name] for found in answers for a in found) / 1e9 for name in ("peak_flops_per_second", "memory_bytes_per_second"))
    return (f"{model.group(1).strip() if model else 'Unknown processor'}, {args.threads} threads, {answers[0][0]['isa']}; at best {peak:.0f} GFLOP/s and "
            f"{memory:.0f} GB/s; Inkstone {answers[0][0]['inkstone_version']}, {sum(any(a['quiet'] for a in found) for found in answers)} of {len(answers)} "
            f"points measured while other processes used at most {QUIET:g} processors.")


def write_page(page, text):
    old = page.read_text(encoding="utf-8")
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        sys.exit(f"{page}: add a line {BEGIN} and then a line {END}, each once, to hold the tables")
    page.write_text(old[:old.index(BEGIN) + len(BEGIN)] + "\n" + text + old[old.index(END):], encoding="utf-8")


# ---- plots, in the style of a training report (src/text/plot.c, src/text/html.c) ----

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 58, 16, 34, 44
STYLE = """text{font-size:12px;font-family:system-ui,'Noto Sans',sans-serif;fill:#68707a}.grid{stroke:#d9d6ce}polyline{fill:none;stroke-width:2;stroke-linejoin:round}
.a{stroke:#2a6fdb}circle{fill:#2a6fdb}.b{stroke:#c2410c;stroke-dasharray:6 4}
@media(prefers-color-scheme:dark){text{fill:#9aa0a8}.grid{stroke:#383b40}.a{stroke:#7db0ff}circle{fill:#7db0ff}.b{stroke:#ff9b66}}"""


def ticks(low, high):
    """1, 2 and 5 times powers of ten, at most seven ticks where possible."""
    for leads in ((1, 2, 5), (1, 3), (1,)):
        found = [lead * 10 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for lead in leads]
        found = [t for t in found if low <= t <= high]
        if len(found) <= 7:
            break
    return found


def short(value):
    return f"{value / 1000:.4g}k" if value >= 10000 else f"{value:g}"


def plot(dimension, rows):
    """Microseconds per token, measured and expected by the law from the first point; both axes logarithmic."""
    first = 1e6 * rows[0].seconds
    measured, expected = [1e6 * r.seconds for r in rows], [first * r.law for r in rows]
    low, high = min(measured + expected) / 1.2, max(measured + expected) * 1.2
    left, right = rows[0].x, max(rows[-1].x, rows[0].x + 1)
    across = lambda x: LEFT + math.log(x / left) / math.log(right / left) * (WIDTH - LEFT - RIGHT)
    up = lambda y: HEIGHT - BOTTOM - math.log(y / low) / math.log(high / low) * (HEIGHT - TOP - BOTTOM)
    line = lambda css, ys: f'<polyline class="{css}" points="' + " ".join(f"{across(r.x):.1f},{up(y):.1f}" for r, y in zip(rows, ys)) + '"/>'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">', f"<title>{dimension.name}: microseconds per token</title>",
           f"<style>{STYLE}</style>"]
    for y in ticks(low, high):
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
                   f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{short(y)}</text>')
    for r in rows:
        anchor = "end" if r.x == right else "middle"
        out.append(f'<text x="{across(r.x) + 8 * (r.x == right):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="{anchor}">{short(r.x)}</text>')
    out += [f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{dimension.axis}</text>', '<text x="6" y="16">µs per token</text>',
            f'<line class="a" stroke-width="2" x1="{WIDTH - 210}" x2="{WIDTH - 190}" y1="12" y2="12"/><text x="{WIDTH - 184}" y="16">measured</text>',
            f'<line class="b" stroke-width="2" x1="{WIDTH - 110}" x2="{WIDTH - 90}" y1="12" y2="12"/><text x="{WIDTH - 84}" y="16">expected</text>',
            line("b", expected), line("a", measured)]
    for r, y in zip(rows, measured):
        out.append(f'<circle cx="{across(r.x):.1f}" cy="{up(y):.1f}" r="3"><title>{y:.5g} µs at {r.x}, expected {first * r.law:.5g}</title></circle>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    args = parse()
    wanted, known = args.only.split(","), {d.name: d for d in DIMENSIONS}
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"--only {unknown[0]}: unknown dimension: give {', '.join(known)}")
    cores = os.cpu_count()
    counts = [2 ** i for i in range(cores.bit_length()) if 2 ** i < cores] + [cores]
    dimensions = [d._replace(points=counts) if d.name == "threads" else d._replace(points=d.points[:2]) if args.tiny else d for d in DIMENSIONS
                  if d.name in wanted]
    measured = measure(args, dimensions)
    plots = args.page.parent / "plots"
    plots.mkdir(exist_ok=True)
    text = machine(args, measured) + "\n"
    for dimension in dimensions:
        rows = rows_of(dimension, measured)
        text += "\n" + table(dimension, rows)
        (plots / f"scaling-{dimension.name}.svg").write_text(plot(dimension, rows), encoding="utf-8")
    print(text)
    write_page(args.page, text)


main()
