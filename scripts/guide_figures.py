#!/usr/bin/env python3
"""Draws the figures of the guide (docs/guide/figures) from numbers that the program prints.

  guide_figures.py              draws all figures, in both languages
  guide_figures.py NAME...      only these: the names of the functions under FIGURES

A figure is a function of its language that trains what it needs on the toy language of docs/guide/data and returns an
SVG. No number in it is typed in. Colors follow the reader's light or dark theme."""

import argparse
import functools
import html
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide"
LANGUAGES = ("en", "zh")

STYLE = """text{font:13px system-ui,'Noto Sans CJK SC','Noto Sans',sans-serif;fill:#24262b}.small{font-size:11.5px}.soft{fill:#666d78}
.strong{font-weight:600}.mid{text-anchor:middle}.end{text-anchor:end}.mono{font-family:ui-monospace,Consolas,'Noto Sans Mono CJK SC',monospace}
.box{fill:#f1f0ea;stroke:#8b8f98}.line{fill:none;stroke:#8b8f98;stroke-width:1.5}.grid{stroke:#dcdad2}.dash{stroke-dasharray:5 4}
.a{stroke:#2364c8}.b{stroke:#b8480a}.c{stroke:#1d7d46}.d{stroke:#8a3fb0}.curve{fill:none;stroke-width:2;stroke-linejoin:round}
.fa{fill:#2364c8}.fb{fill:#b8480a}.fc{fill:#1d7d46}.fd{fill:#8a3fb0}.fill{stroke:none}
@media(prefers-color-scheme:dark){text{fill:#e2e0da}.soft{fill:#a2a8b2}.box{fill:#26292e;stroke:#6d727b}.line{stroke:#8f959f}.grid{stroke:#393c42}
.a{stroke:#86b3ff}.b{stroke:#ff9c66}.c{stroke:#6fd39a}.d{stroke:#d49bf0}.fa{fill:#86b3ff}.fb{fill:#ff9c66}.fc{fill:#6fd39a}.fd{fill:#d49bf0}}"""


class Svg:
    """Collects shapes; coordinates are pixels from the upper left corner."""

    def __init__(self, width, height, title, style=STYLE):
        self.width, self.height, self.title, self.style, self.shapes = width, height, title, style, []

    def add(self, tag, css, text=None, **attributes):
        named = "".join(f' {k.replace("_", "-")}="{v:.1f}"' if isinstance(v, float) else f' {k.replace("_", "-")}="{v}"'
                        for k, v in attributes.items())
        body = f">{html.escape(text, quote=False)}</{tag}>" if text is not None else "/>"
        self.shapes.append(f'<{tag} class="{css}"{named}{body}')

    def text(self, x, y, text, css=""):
        self.add("text", css, str(text), x=float(x), y=float(y))

    def box(self, x, y, width, height, *lines, css="box"):
        """A rectangle with lines of text in its middle, the first one strong."""
        self.add("rect", css, x=float(x), y=float(y), width=float(width), height=float(height), rx=5)
        top = y + height / 2 - 8.5 * (len(lines) - 1) + 4.5
        for i, line in enumerate(lines):
            self.text(x + width / 2, top + 17 * i, line, "mid strong" if i == 0 else "mid small soft")

    def bar(self, x, y, width, height, css):
        self.add("rect", "fill " + css, x=float(x), y=float(y), width=float(max(width, 0.5)), height=float(height))

    def polyline(self, points, css):
        self.add("polyline", css, points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points))

    def arrow(self, *points, css=""):
        """A line through points that ends with a head."""
        (x0, y0), (x1, y1) = points[-2:]
        angle = math.atan2(y1 - y0, x1 - x0)
        wings = [(x1 - 8 * math.cos(angle + turn), y1 - 8 * math.sin(angle + turn)) for turn in (0.45, -0.45)]
        self.polyline(points, f"line {css}")
        self.polyline((wings[0], (x1, y1), wings[1]), f"line {css.replace('dash', '')}")

    def __str__(self):
        title = html.escape(self.title, quote=False)
        return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                          f'width="{self.width}" role="img">', f"<title>{title}</title>", f"<style>{self.style}</style>",
                          *self.shapes, "</svg>", ""])


class Plot:
    """Axes of a part of an Svg, and the mapping of values to its pixels."""

    def __init__(self, svg, x, y, width, height, across, up):
        self.svg, self.x, self.y, self.width, self.height, self.across, self.up = svg, x, y, width, height, across, up

    def at(self, across, up):
        """The pixel of a value; values beyond the axes lie on their ends."""
        share = [min(max((v - low) / (high - low), 0), 1) for v, (low, high) in ((across, self.across), (up, self.up))]
        return self.x + share[0] * self.width, self.y + self.height - share[1] * self.height

    def grid(self, ticks_across, ticks_up, label_across="", label_up=""):
        for v in ticks_up:
            y = self.at(self.across[0], v)[1]
            self.svg.add("line", "grid", x1=float(self.x), x2=float(self.x + self.width), y1=y, y2=y)
            self.svg.text(self.x - 6, y + 4, f"{v:g}", "end small soft")
        for v in ticks_across:
            self.svg.text(self.at(v, self.up[0])[0], self.y + self.height + 17, f"{v:g}", "mid small soft")
        self.svg.text(self.x + self.width, self.y + self.height + 34, label_across, "end small soft")
        self.svg.text(self.x - 30, self.y - 10, label_up, "small soft")

    def curve(self, values, css):
        self.svg.polyline([self.at(*v) for v in values], f"curve {css}")


# ---- what the figures are made of ----

# As in the chapters: in English each word of the toy language is one token, in Chinese each character.
TOKENIZER = {"en": ("bpe", "--vocab", "384"), "zh": ("char",)}
PROMPT = {"en": "the lazy", "zh": "这只懒"}
NEXT = {"en": "dog likes a fish.", "zh": "狗喜欢那只鱼。"}
NOUNS = {"en": "cat dog bird horse sheep fish", "zh": "猫 狗 鸟 马 羊 鱼"}


class Workshop:
    """A folder in which the program runs, with the toy language of LANGUAGE in toy.txt (new.txt: held-out sentences)."""

    def __init__(self, program, language, folder):
        self.program, self.language, self.folder = program, language, pathlib.Path(folder)
        self.write("toy.txt", self.toy(n=2000))
        self.write("new.txt", self.toy(n=500, seed=7))
        self("tokenizer", "train", "toy.txt", "-o", "tokens.json", "--tokenizer", *TOKENIZER[language], "-q")

    def __call__(self, *arguments):
        """What inkstone prints."""
        env = {**os.environ, "INKSTONE_ISA": "avx2", "INKSTONE_LANG": "en", "LC_ALL": "C.UTF-8"}
        done = subprocess.run([self.program, *arguments], cwd=self.folder, env=env, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode("utf-8", "replace")

    def toy(self, script="toy.awk", **variables):
        flags = [f for k, v in {"language": self.language, **variables}.items() for f in ("-v", f"{k}={v}")]
        return subprocess.run(["awk", "-f", GUIDE / "data" / script, *flags], stdout=subprocess.PIPE, check=True,
                              encoding="utf-8").stdout

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def train(self, text, model, steps, *flags):
        """Trains a model, as the chapters do; returns the rows of its log."""
        self("train", "write", text, "-o", model, "--size", "nano", "--tokenizer-from", "tokens.json", "--context", "16",
             "--documents", "line", "--windows", "document", "--steps", str(steps), "--batch-tokens", "512", "--threads", "1",
             "-q", *flags)
        return [json.loads(line) for line in (self.folder / model / "log.jsonl").read_text().splitlines()]

    def tokens(self, text):
        return json.loads(self("tokenizer", "encode", "-m", "tokens.json", text, "--json"))

    def next(self, model, prompt, draws=400):
        """{token: probability} of the likelier tokens after PROMPT, likeliest first: the program prints the
        log-probability that the model gives to each token it draws, whatever the temperature."""
        printed = self("write", "-m", model, prompt, "-n", str(draws), "--temperature", "1.2", "--top-p", "1", "--max-tokens", "1",
                       "--json", "-q")
        drawn = [token for line in printed.splitlines() for token in json.loads(line)["tokens"]]
        found = {t["text"]: math.exp(t["logprob"]) for t in drawn if "text" in t and "\ufffd" not in t["text"]}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def entropy(self):
        """Bits per sentence of the grammar."""
        return float(self.toy(entropy=1).split()[0])


# ---- figures ----

OVERVIEW = {
    "en": dict(title="How the terms of text generation are connected", tokenizer=("tokenizer", "vocabulary"),
               ids="tokens, ids", context="context", embed=("embedding", "one vector per token"),
               blocks=("layers (the decoder)", "hidden states, weights"), logits=("logits → softmax", "one score per token"),
               probabilities="next token", draw=("sampling", "temperature, top-p"), loop="appended to the context: writing",
               given="text (prompt)", truth="the token that follows in the text", loss="loss", gradient=("gradient", "back-propagation"),
               optimizer=("optimizer", "learning rate"), weights="changes the weights: training", held="held-out text", same="same computation",
               measure=("loss only", "perplexity, bits per character"), best="which model to keep, when to stop",
               encoder=("encoder", "for tasks with a source"), source="source text", attends="attention"),
    "zh": dict(title="文本生成的各个概念之间的关系", given="文本（提示）", tokenizer=("分词器", "词表"), ids="词元和编号", context="上下文",
               embed=("嵌入", "每个词元一个向量"), blocks=("若干层（解码器）", "隐藏状态、权重"), logits=("logits → softmax", "每个词元一个得分"),
               probabilities="下一个词元", draw=("采样", "温度、top-p"), loop="接到上下文末尾：生成",
               truth="文本里真正的下一个词元", loss="损失", gradient=("梯度", "反向传播"), optimizer=("优化器", "学习率"),
               weights="更新权重：训练", held="验证文本", same="同样的计算", measure=("只算损失", "困惑度、每字符比特数"), best="保留哪个模型，何时停止",
               encoder=("编码器", "用于有源文本的任务"), source="源文本", attends="注意力"),
}


def labelled(name, value):
    """NAME and VALUE with the colon of the language that NAME is in."""
    return f"{name}{': ' if name.isascii() else '：'}{value}"


def overview(workshop):
    """Everything of chapter 2 in one picture: blue is writing, orange training, green measuring."""
    words, language = OVERVIEW[workshop.language], workshop.language
    workshop.train("toy.txt", "model", 300)
    tokens = workshop.tokens(PROMPT[language])
    nexts = workshop.next("model", PROMPT[language])
    truth = workshop.tokens(PROMPT[language] + (" " if language == "en" else "") + NEXT[language])[len(tokens)]["text"]
    svg = Svg(860, 560, words["title"])
    overview_forward(svg, words, PROMPT[language], tokens)
    overview_choices(svg, words, nexts, truth, 330 + 66 * len(tokens))
    overview_training(svg, words, truth, nexts[truth])
    return svg


def overview_forward(svg, words, prompt, tokens):
    svg.text(20, 30, words["given"], "small soft")
    svg.box(20, 40, 110, 44, prompt)
    svg.arrow((130, 62), (158, 62))
    svg.box(160, 34, 110, 56, *words["tokenizer"])
    svg.arrow((270, 62), (298, 62))
    svg.text(300, 30, labelled(words["context"], words["ids"]), "small soft")
    for i, token in enumerate(tokens):
        svg.box(300 + 66 * i, 40, 60, 44, token["text"].strip(), str(token["id"]))
    svg.box(300 + 66 * len(tokens), 40, 60, 44, "…", css="box dash")
    svg.arrow((360, 84), (360, 118))
    svg.box(300, 120, 170, 48, *words["embed"])
    svg.arrow((385, 168), (385, 192))
    for i in range(3, -1, -1):
        svg.box(300 + 5 * i, 194 + 5 * i, 170, 60, *(words["blocks"] if i == 0 else ()))
    svg.arrow((490, 226), (528, 226))
    svg.box(530, 200, 130, 52, *words["logits"])
    svg.arrow((595, 200), (595, 174))
    svg.text(20, 188, words["source"], "small soft")
    svg.box(20, 198, 150, 52, *words["encoder"], css="box dash")
    svg.arrow((170, 224), (298, 224), css="dash")
    svg.text(234, 216, words["attends"], "mid small soft")


def overview_choices(svg, words, nexts, truth, free):
    """The likeliest tokens as bars, and the way of the drawn one back to its place in the context, at FREE."""
    shown = list(nexts.items())[:6]
    svg.text(598, 46, words["probabilities"], "small soft")
    for i, (token, p) in enumerate(shown):
        y = 52 + 20 * i
        svg.text(592, y + 13, token.strip(), "end" + (" strong" if token == truth else ""))
        svg.bar(598, y + 2, 320 * p, 14, "fb" if token == truth else "fa")
        svg.text(602 + 320 * p, y + 13, f"{p:.3f}", "small soft")
    svg.arrow((690, 106), (728, 106), css="a")
    svg.box(730, 80, 118, 52, *words["draw"])
    svg.arrow((789, 80), (789, 12), (free, 12), (free, 38), css="a")
    svg.text(780, 26, words["loop"], "end small fa")


def overview_training(svg, words, truth, p):
    svg.text(530, 292, words["truth"], "small fb")
    svg.box(530, 300, 130, 34, truth.strip())
    svg.arrow((660, 226), (745, 226), (745, 356), css="b")
    svg.arrow((595, 334), (595, 356), css="b")
    svg.box(530, 358, 240, 50, f"{words['loss']} = −ln p", f"−ln {p:.3f} = {-math.log(round(p, 3)):.2f}")
    svg.arrow((530, 383), (472, 383), css="b")
    svg.box(320, 358, 150, 50, *words["gradient"])
    svg.arrow((320, 383), (262, 383), css="b")
    svg.box(110, 358, 150, 50, *words["optimizer"])
    svg.arrow((185, 358), (185, 300), (385, 300), (385, 272), css="b")
    svg.text(190, 292, words["weights"], "small fb")
    svg.box(20, 460, 150, 44, words["held"])
    svg.arrow((170, 482), (318, 482), css="c")
    svg.text(244, 474, words["same"], "mid small fc")
    svg.box(320, 456, 230, 52, *words["measure"])
    svg.arrow((550, 482), (608, 482), css="c")
    svg.text(616, 487, words["best"], "fc")


CURVES = {
    "en": dict(title="Loss while training on 2,000 and on 20 sentences", x="step", y="loss, nats per token", limit="entropy of the language",
               names=("2,000 sentences, training text", "2,000 sentences, held-out text", "20 sentences, training text", "20 sentences, held-out text")),
    "zh": dict(title="用 2000 句和 20 句训练时的损失", x="步", y="损失（每词元奈特数）", limit="语言本身的熵",
               names=("2000 句，训练文本", "2000 句，验证文本", "20 句，训练文本", "20 句，验证文本")),
}


def curves(workshop):
    """Training and held-out loss over the steps: enough text, and far too little."""
    words = CURVES[workshop.language]
    workshop.write("few.txt", "".join(workshop.toy(n=20).splitlines(keepends=True)))
    logs = [workshop.train("toy.txt", "many", 300, "--valid", "new.txt"), workshop.train("few.txt", "few", 300, "--valid", "new.txt")]
    lines = [[(row["step"], row[key]) for row in log if key in row] for log in logs for key in ("loss", "valid_loss")]
    per_sentence = len(workshop.tokens(workshop.toy(n=1).strip())) + 1  # and the end of the document
    limit = workshop.entropy() * math.log(2) / per_sentence
    svg = Svg(720, 400, words["title"])
    plot = Plot(svg, 50, 40, 430, 300, (0, 300), (0, 6))
    plot.grid(range(0, 301, 50), range(0, 7), words["x"], words["y"])
    plot.curve([(0, limit), (300, limit)], "line dash")
    for css, line in zip(("a", "c", "b", "d"), lines):
        plot.curve(line, css)
    ends = [(line[-1][1], labelled(name, f"{line[-1][1]:.2f}"), f) for line, name, f in zip(lines, words["names"], ("fa", "fc", "fb", "fd"))]
    ends.append((limit, labelled(words["limit"], f"{limit:.2f}"), "soft"))
    below = 0
    for value, label, css in sorted(ends, reverse=True):  # labels beside the ends of the curves, none upon another
        below = max(below + 18, plot.at(0, value)[1] + 4)
        svg.text(500, below, label, f"small {css}")
    return svg


SAMPLING = {
    "en": dict(title="Probabilities of the next token at three temperatures, and what top-p keeps", prompt="the six likeliest tokens after “{}”", t="T = {:g}",
               kept="kept by top-p 0.8", cut="cut"),
    "zh": dict(title="三种温度下的下一词元概率，以及 top-p 保留的部分", prompt="“{}”之后最可能的六个词元", t="T = {:g}", kept="top-p 0.8 保留", cut="舍去"),
}


def heated(probabilities, temperature):
    """The softmax of the logits divided by the temperature: powers of the probabilities, normalized."""
    powers = [p ** (1 / temperature) for p in probabilities]
    return [p / sum(powers) for p in powers]


def sampling(workshop):
    """Three temperatures, for a text in which the n-th noun is n times rarer than the first."""
    words, nouns = SAMPLING[workshop.language], NOUNS[workshop.language].split()
    seen, text = {}, []
    for line in workshop.toy(n=6000).splitlines():
        noun = line.split()[2] if workshop.language == "en" else line[3]
        seen[noun] = seen.get(noun, 0) + 1
        if seen[noun] % (nouns.index(noun) + 1) == 0:
            text.append(line)
    workshop.write("zipf.txt", "\n".join(text) + "\n")
    workshop.train("zipf.txt", "zipf", 300)
    nexts = dict(list(workshop.next("zipf", PROMPT[workshop.language], 1500).items())[: len(nouns)])
    svg = Svg(720, 250, words["title"])
    svg.text(20, 22, words["prompt"].format(PROMPT[workshop.language]), "strong")
    svg.bar(330, 12, 14, 12, "fa")
    svg.text(350, 22, words["kept"], "small")
    svg.bar(500, 12, 14, 12, "fb")
    svg.text(520, 22, words["cut"], "small")
    for i, temperature in enumerate((0.5, 1, 2)):
        x, before = 20 + 235 * i, 0
        svg.text(x, 54, words["t"].format(temperature), "strong")
        for row, (token, p) in enumerate(zip(nexts, heated(nexts.values(), temperature))):
            y = 64 + 28 * row
            svg.text(x + 46, y + 14, token.strip(), "end small")
            svg.bar(x + 52, y, 150 * p, 19, "fa" if before < 0.8 else "fb")
            svg.text(x + 57 + 150 * p, y + 14, f"{p:.3f}", "small soft")
            before += p
    return svg


MERGE_WORDS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # as in the chapter


def merges(workshop):
    """Two words that BPE never saw, as the trees of the merges that encode them."""
    words = {
        "en": dict(title="How merges encode two new words", rank="merge {}", token="a token"),
        "zh": dict(title="合并怎样编码两个没见过的词", rank="第 {} 次合并", token="词元"),
    }[workshop.language]
    workshop.write("words.txt", "".join(" ".join([word] * times) + "\n" for word, times in MERGE_WORDS.items()))
    workshop("tokenizer", "train", "words.txt", "-o", "bpe.json", "--tokenizer", "bpe", "--vocab", "270", "-q")
    model = json.loads((workshop.folder / "bpe.json").read_text(encoding="utf-8"))["model"]
    ranks = {tuple(m.split(" ") if isinstance(m, str) else m): i for i, m in enumerate(model["merges"], 1)}
    svg = Svg(720, 185, words["title"])
    for word, left in (("lowest", 40), ("newer", 410)):
        trees = [(letter, left + 54 * i, 160) for i, letter in enumerate(word)]  # text, middle, top of its box
        for letter, x, y in trees:
            svg.text(x, y + 12, letter, "mid mono strong")
        while len(trees) > 1:
            pairs = [(ranks[a[0], b[0]], i) for i, (a, b) in enumerate(zip(trees, trees[1:])) if (a[0], b[0]) in ranks]
            if not pairs:
                break
            rank, i = min(pairs)
            (a, ax, ay), (b, bx, by) = trees[i : i + 2]
            x, y = (ax + bx) / 2, min(ay, by) - 68
            for from_x, from_y in ((ax, ay), (bx, by)):
                svg.polyline([(from_x, from_y - 2), (x, y + 40)], "line")
            svg.box(x - 42, y, 84, 40, a + b, words["rank"].format(rank))
            trees[i : i + 2] = [(a + b, x, y)]
        for _, x, y in trees:
            svg.text(x, y - 6, words["token"], "mid small soft")
    return svg


ROOFLINE = {
    "en": dict(title="Matrix products below the roofline of a processor", x="operations per byte of the weights", y="GFLOP/s",
               peak="peak: {:.0f} GFLOP/s", memory="memory: {:.0f} GB/s", vectors="vector instructions ({})", scalar="the same without (scalar)",
               rows="rows"),
    "zh": dict(title="处理器的屋顶线与矩阵乘积", x="每字节权重的运算次数", y="GFLOP/s", peak="峰值：{:.0f} GFLOP/s", memory="内存：{:.0f} GB/s",
               vectors="向量指令（{}）", scalar="不用向量指令（scalar）", rows="行数"),
}


def products(program, isa):
    """By bench/bench_gemm, one thread: instruction set, peak, memory, and {rows: GFLOP/s} of products with 4096 x 4096 weights."""
    shapes = [word for rows in (1, 2, 4, 8, 16, 32, 64, 128, 256) for word in ("4096", "4096", str(rows))]
    env = {key: value for key, value in os.environ.items() if key != "INKSTONE_ISA"}
    if isa:
        env["INKSTONE_ISA"] = isa
    text = subprocess.run([program.parent / "bench" / "bench_gemm", "1", "0.2", *shapes], env=env, stdout=subprocess.PIPE,
                          check=True, encoding="utf-8").stdout
    peak, memory = (float(re.search(pattern, text).group(1)) for pattern in (r"peak of f32 ([\d.]+)", r"memory ([\d.]+)"))
    rates = {int(m.group(1)): float(m.group(2)) for m in re.finditer(r"^NT +(\d+) .*? own +([\d.]+) GFLOP", text, re.M)}
    return text.split(",")[0], peak, memory, rates


@functools.lru_cache  # both languages show the same measurement
def best_products(program):
    """The best of three runs with and three without vector instructions: other programs share memory and caches."""
    runs = [(products(program, ""), products(program, "scalar")) for _ in range(3)]
    best = lambda which: {rows: max(run[which][3][rows] for run in runs) for rows in runs[0][which][3]}
    return runs[0][0][0], max(run[0][1] for run in runs), max(each[2] for run in runs for each in run), best(0), best(1)


def roofline(workshop):
    """How fast products with a matrix of weights are, by the number of rows that share it."""
    words = ROOFLINE[workshop.language]
    isa, peak, memory, vectors, scalar = best_products(workshop.program)
    svg = Svg(560, 400, words["title"])
    plot = Plot(svg, 50, 40, 430, 300, (-1, 7), (3, 9))  # powers of 2
    for power in range(3, 10):
        y = plot.at(0, power)[1]
        svg.add("line", "grid", x1=50.0, x2=480.0, y1=y, y2=y)
        svg.text(44, y + 4, 2**power, "end small soft")
    for power in range(-1, 8):
        svg.text(plot.at(power, 3)[0], 357, f"{2.0**power:g}", "mid small soft")
    svg.text(480, 374, words["x"], "end small soft")
    svg.text(20, 30, words["y"], "small soft")
    ridge = math.log2(peak / memory)
    plot.curve([(-1, math.log2(memory / 2)), (ridge, math.log2(peak)), (7, math.log2(peak))], "b")
    svg.text(plot.at(7, 0)[0], plot.at(0, math.log2(peak))[1] - 8, words["peak"].format(peak), "end small fb")
    svg.text(plot.at(ridge - 1.6, 0)[0] - 8, plot.at(0, math.log2(peak) - 1.6)[1] - 6, words["memory"].format(memory), "end small fb")
    for rates, css, name in ((vectors, "a", words["vectors"].format(isa)), (scalar, "c", words["scalar"])):
        # 2 operations on each weight of 4 bytes for each row
        points = [(math.log2(rows / 2), math.log2(rate)) for rows, rate in rates.items()]
        plot.curve(points, css)
        for point in points:
            x, y = plot.at(*point)
            svg.add("circle", f"fill f{css}", cx=x, cy=y, r=4.0)
        svg.text(plot.at(*points[5])[0] + 6, plot.at(*points[5])[1] + 20, name, f"small f{css}")
    for rows in (1, 16, 256):
        x, y = plot.at(math.log2(rows / 2), math.log2(vectors[rows]))
        right, below, css = {1: (4, 26, ""), 16: (-8, -8, "end "), 256: (8, 4, "")}[rows]
        svg.text(x + right, y + below, labelled(words["rows"], rows), css + "small soft")
    return svg


ATTENTION = {
    "en": dict(title="Which source words are read for which output word", self="self-attention, its only head", additive="additive attention"),
    "zh": dict(title="写每个词元时读了源文本的哪些词元", self="自注意力（唯一的头）", additive="加性注意力"),
}
MAP_STYLE = """<style>.cell{fill:none;stroke:#dcdad2}.on{fill:#fff}
@media(prefers-color-scheme:dark){.cell{stroke:#393c42}.on{fill:#17191c}}</style>"""
BACKWARDS = {"self": ("llama", "300", "0.01", "--layers", "1", "--heads", "1"), "additive": ("seq2seq", "400", "0.02")}  # as in the chapter


def attention_of(workshop, model, text):
    """The table that `inkstone translate --explain` writes: words of the source, and [(word of the output, shares)]."""
    workshop("translate", "-m", model, text, "--explain", f"{model}.html", "-q")
    table = (workshop.folder / f"{model}.html").read_text(encoding="utf-8").split("<table class=look>")[1].split("</table>")[0]
    head, *rows = table.strip().split("\n")
    return re.findall("<span>(.*?)</span>", head), [(re.search("<th>(.*?)</th>", row).group(1),
                                                     [float(w) for w in re.findall(r"--w:([\d.]+)", row)]) for row in rows]


def attention_map(svg, x, y, size, columns, rows):
    for i, word in enumerate(columns):
        if aslant(columns):
            svg.add("text", "small", word, transform=f"translate({x + size * i + size / 2 + 4:.1f} {y - 6}) rotate(-60)")
        else:
            svg.text(x + size * (i + 0.5), y - 8, word, "mid small")
    for row, (word, shares) in enumerate(rows):
        svg.text(x - 8, y + size * (row + 0.5) + 4, word, "end small")
        for column, share in enumerate(shares):
            left, top = x + size * column, y + size * row
            svg.add("rect", "cell", x=float(left), y=float(top), width=float(size), height=float(size))
            svg.add("rect", "fill fa", x=float(left), y=float(top), width=float(size), height=float(size), fill_opacity=f"{share:.2f}")
            if share >= 0.1:
                svg.text(left + size / 2, top + size / 2 + 4, f"{100 * share:.0f}", "mid small" + (" on" if share > 0.5 else ""))


def aslant(columns):
    """Whether words need to be written aslant."""
    return any(len(word) > 1 for word in columns)


def attention(workshop):
    """What two kinds of attention read while a sentence is said backwards."""
    words, language = ATTENTION[workshop.language], workshop.language
    pairs = []
    for line in workshop.toy(n=2000).splitlines():
        sentence = line.rstrip(".。")
        pairs.append(f"{sentence}\t{' '.join(sentence.split()[::-1]) if language == 'en' else sentence[::-1]}")
    workshop.write("back.tsv", "\n".join(pairs) + "\n")
    for model, (arch, steps, rate, *flags) in BACKWARDS.items():
        workshop("train", "translate", "back.tsv", "-o", model, "--arch", arch, "--size", "nano", "--tokenizer", *TOKENIZER[language],
                 "--steps", steps, "--lr", rate, "--batch-tokens", "1024", "--threads", "1", "-q", *flags)
    size = {"en": 38, "zh": 30}[language]
    text = {"en": "the lazy dog likes a fish", "zh": "这只懒狗喜欢那只鱼"}[language]
    above = {"en": 86, "zh": 66}[language]  # for the words of the source
    svg = Svg(400, {"en": 670, "zh": 710}[language], words["title"])
    svg.shapes.append(MAP_STYLE)
    for y, model in ((0, "self"), ({"en": 340, "zh": 360}[language], "additive")):
        columns, rows = attention_of(workshop, model, text)
        svg.text(60, y + 22, words[model], "strong")
        attention_map(svg, 60, y + above, size, columns, rows)
    return svg


SCHEDULES = {"constant": ("d", "fd"), "cosine": ("a", "fa"), "linear": ("b", "fb"), "wsd": ("c", "fc"), "inverse-sqrt": ("line dash", "soft")}


def schedules(workshop):
    """The learning rates that five runs logged, step by step."""
    words = {
        "en": dict(title="Learning rates of five runs, as logged", x="step", y="learning rate"),
        "zh": dict(title="五次训练记录的学习率", x="步", y="学习率"),
    }[workshop.language]
    svg = Svg(720, 320, words["title"])
    plot = Plot(svg, 60, 40, 480, 220, (0, 150), (0, 0.03))
    plot.grid(range(0, 151, 30), (0, 0.01, 0.02, 0.03), words["x"], words["y"])
    for i, (name, (line, label)) in enumerate(SCHEDULES.items()):
        log = workshop.train("toy.txt", name, 150, "--lr", "0.03", "--min-lr", "0", "--warmup", "15", "--schedule", name)
        plot.curve([(0, 0)] + [(row["step"], row["lr"]) for row in log if "lr" in row], line)
        svg.text(560, 60 + 24 * i, name, label)
    return svg


GREETINGS = {
    "en": (["good morning", "good evening", "good night", "hello there", "hello there"], ("bpe", "--vocab", "330")),
    "zh": (["你好呀", "你好啊", "你好吗", "早安哪", "早安哪"], ("char",)),
}


def prefixes(samples):
    """{tokens: probability} of all beginnings of sampled texts, shortest first."""
    found = {}
    for tokens in samples:
        p, text = 1, ()
        for token in tokens:
            p *= math.exp(token["logprob"])
            text += (token["text"],)
            found[text] = p
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def beam(workshop):
    """The tree of texts that a model of greetings gives probability to, and the way of two beams through it."""
    words = {
        "en": dict(title="A search with two beams in the tree of all texts", step="step {}", kept="kept: the two best of the step", cut="dropped",
                   greedy="the way of greedy search", best="result of the search"),
        "zh": dict(title="宽度为 2 的束搜索在所有文本构成的树中的路径", step="第 {} 步", kept="保留：这一步最好的两个", cut="舍去", greedy="贪心搜索的路径",
                   best="搜索的结果"),
    }[workshop.language]
    lines, tokenizer = GREETINGS[workshop.language]
    workshop.write("greetings.txt", "".join(line + "\n" for line in lines * 120))
    workshop("train", "write", "greetings.txt", "-o", "greetings", "--size", "nano", "--layers", "1", "--heads", "2", "--context", "16",
             "--documents", "line", "--windows", "document", "--tokenizer", *tokenizer, "--steps", "150", "--lr", "0.003", "--holdout", "0",
             "--threads", "1", "-q")
    printed = workshop("write", "-m", "greetings", "-n", "300", "--temperature", "1", "--top-p", "1", "--json", "-q")
    samples = [json.loads(line)["tokens"] for line in printed.splitlines()]
    tree = prefixes([[t for t in tokens if "text" in t] for tokens in samples])
    return beam_tree(words, {text: p for text, p in tree.items() if p > 0.05})


def beam_tree(words, tree):
    depth = max(map(len, tree))
    children = {text: [t for t in tree if t[:-1] == text] for text in [(), *tree]}
    leaves = sorted((text for text in tree if not children[text]), key=lambda text: [tree[text[: i + 1]] for i in range(len(text))], reverse=True)
    kept = {text for n in range(1, depth + 1) for text in sorted((t for t in tree if len(t) == n), key=tree.get, reverse=True)[:2]}
    greedy, text = set(), ()
    while children[text]:
        text = max(children[text], key=tree.get)
        greedy.add(text)
    best = max(leaves, key=tree.get)
    wide, gap = 128, 640 // depth
    svg = Svg(760, 96 + 52 * len(leaves), words["title"])
    place = {(): (20, 0)}
    for text in sorted(tree, key=len, reverse=True):
        rows = [leaves.index(leaf) for leaf in leaves if leaf[: len(text)] == text]
        place[text] = 60 + gap * (len(text) - 1), 40 + 52 * sum(rows) / len(rows)
    top = [y for text, (_, y) in place.items() if len(text) == 1]
    place[()] = (20, sum(top) / len(top))
    for text, p in tree.items():
        (x, y), (from_x, from_y) = place[text], place[text[:-1]]
        start = from_x + wide if text[:-1] else from_x
        svg.polyline([(start, from_y + 20), (x, y + 20)], "line b" if text in greedy else "line a" if text == best[: len(text)] else "line")
        svg.box(x, y, wide, 40, text[-1].strip(), f"{p:.3f}", css="box" if text in kept else "box dash")
    for n in range(1, depth + 1):
        svg.text(60 + gap * (n - 1), 24, words["step"].format(n), "small soft")
    beam_legend(svg, words, 62 + 52 * len(leaves))
    return svg


def beam_legend(svg, words, y):
    for x, css, label in ((60, "box", words["kept"]), (270, "box dash", words["cut"])):
        svg.add("rect", css, x=float(x), y=float(y), width=16.0, height=12.0, rx=2)
        svg.text(x + 22, y + 11, label, "small")
    for x, css, label in ((390, "line b", words["greedy"]), (590, "line a", words["best"])):
        svg.polyline([(x, y + 6), (x + 20, y + 6)], css)
        svg.text(x + 26, y + 11, label, "small")


RHYME = {
    "en": dict(title="Held-out loss of poems while training", x="step", y="held-out loss, nats per poem", form="form, without the rhyme: {:.2f}",
               rhyme="form and rhyme: {:.2f}"),
    "zh": dict(title="训练诗歌时的验证损失", x="步", y="验证损失（每首诗奈特数）", form="只知格式，不知押韵：{:.2f}", rhyme="格式与押韵：{:.2f}"),
}


def rhyme(workshop):
    """The model of chapter 4: first it learns how a line is made, much later that the fourth line rhymes."""
    words, data = RHYME[workshop.language], GUIDE / "data" / "poems.yaml"
    workshop.write("poems.txt", workshop.toy("poems.awk", n=1500))
    workshop("train", "write", "poems.txt", "-o", "poems", "--config", str(data), "-q")
    card = json.loads((workshop.folder / "poems" / "inkstone.json").read_text())["data"]
    rows = [json.loads(line) for line in (workshop.folder / "poems" / "log.jsonl").read_text().splitlines()]
    losses = [(row["step"], row["valid_loss"] * card["tokens"] / card["documents"]) for row in rows if "valid_loss" in row]
    limits = [float(v) for v in re.findall(r"\d+\.\d+", workshop.toy("poems.awk", entropy=1))]
    svg = Svg(720, 300, words["title"])
    plot = Plot(svg, 50, 40, 640, 200, (0, 600), (37, 43))
    plot.grid(range(0, 601, 100), range(37, 44), words["x"], words["y"])
    for limit, name in zip(limits, ("rhyme", "form")):
        plot.curve([(0, limit), (600, limit)], "line dash")
        svg.text(60, plot.at(0, limit)[1] + 14, words[name].format(limit), "small soft")
    plot.curve(losses, "c")
    return svg


LENS = {
    "en": dict(title="What each layer would predict", input="embedding", layer="layer {}", said="the token that follows", tokens=5, wide=84),
    "zh": dict(title="每一层会作出的预测", input="嵌入", layer="第 {} 层", said="接着的词元", tokens=7, wide=62),
}


def lens(workshop):
    """The likeliest next token after each layer (rows, upwards), for the tokens of a text (columns)."""
    words = LENS[workshop.language]
    workshop.train("toy.txt", "model", 300)
    tokens = json.loads(workshop("explain", "-m", "model", PROMPT[workshop.language], "--greedy", "--tokens", str(words["tokens"]),
                                 "--branches", "0", "--json", "-q"))["tokens"][1:]
    depths, wide, high, left = len(tokens[0]["prediction"]["layers"]), words["wide"], 34, 150
    svg = Svg(left + wide * len(tokens) + 20, high * depths + 64, words["title"])
    svg.shapes.append(MAP_STYLE)
    svg.text(left - 10, 36, words["said"], "end small soft")
    for depth in range(depths):
        svg.text(left - 10, 69 + high * (depths - 1 - depth), words["layer"].format(depth) if depth else words["input"], "end small soft")
    for column, token in enumerate(tokens):
        x = left + wide * column
        svg.text(x + wide / 2, 36, token["text"].strip(), "mid strong")
        for depth, layer in enumerate(token["prediction"]["layers"]):
            best, y = layer["best"][0], 48 + high * (depths - 1 - depth)
            svg.add("rect", "cell", x=float(x), y=float(y), width=float(wide), height=float(high))
            svg.add("rect", "fill " + ("fb" if best["id"] == token["id"] else "fa"), x=float(x), y=float(y), width=float(wide),
                    height=float(high), fill_opacity=f"{0.7 * best['probability']:.2f}")
            svg.text(x + wide / 2, y + 21, f"{'■' if best.get('special') else best['text'].strip()} {best['probability']:.2f}", "mid small")
    return svg


FIGURES = {f.__name__: f for f in (overview, curves, sampling, merges, roofline, attention, schedules, beam, rhyme, lens)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*FIGURES, []], metavar="NAME")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/inkstone")
    args = parser.parse_args()
    for language in LANGUAGES:
        for name in args.names or FIGURES:
            with tempfile.TemporaryDirectory() as folder:
                svg = FIGURES[name](Workshop(args.program.resolve(), language, folder))
            path = GUIDE / "figures" / f"{name}.{language}.svg"
            path.write_text(str(svg), encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
