#!/usr/bin/env python3
"""`inkstone score` against sacrebleu and rouge-score, to every printed digit, on the shared sets. Development only.

    test_metric_peers.py INKSTONE SHARED     exit 1 where something differs, 77 where something needed is absent

Hypotheses are references, perturbed. Compared are the printed line with its signature (but for the version), 10
decimal places of the score, those of single lines, and intervals and p-values within the luck of the draw.
"""
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import unicodedata

inkstone, shared = sys.argv[1:3]
try:
    import regex
    from rouge_score import rouge_scorer
    from sacrebleu.metrics import BLEU, CHRF, TER
    from sacrebleu.significance import PairedTest
except ImportError:
    print("SKIP: the Python packages sacrebleu and rouge_score are not installed")
    sys.exit(77)

logging.disable(logging.WARNING)
scratch = tempfile.TemporaryDirectory()
failed = []
compared = 0
ROUGE = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


def check(what, ours, theirs):
    global compared
    compared += 1
    if ours != theirs:
        failed.append(what)
        print(f"DIFFERENT: {what}\n  ours:   {ours}\n  theirs: {theirs}")


def put(name, lines):
    path = os.path.join(scratch.name, name)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.writelines(line + "\n" for line in lines)
    return path


def run(hypotheses, references, *flags):
    files = [put("hypotheses", hypotheses)] + [put(f"reference{i}", r) for i, r in enumerate(references)]
    done = subprocess.run([inkstone, "score", *files, "--quiet", *flags], capture_output=True, encoding="utf-8")
    if done.returncode:
        failed.append("exit status")
        print("FAILED:", flags, done.stderr)
    return done.stdout.rstrip("\n")


# ---- sacrebleu ----


def sacrebleu_case(what, metric, hypotheses, references, *flags):
    """The line, and ten digits of it."""
    hypotheses, references = [h.rstrip() for h in hypotheses], [[x.rstrip() for x in r] for r in references]
    score = metric.corpus_score(hypotheses, references)
    signature = re.sub(r"version:.*", "version:inkstone", str(metric.get_signature()))
    for digits in (2, 10):
        ours = run(hypotheses, references, "--digits", str(digits), *flags)
        check(f"{what} {flags}", re.sub(r"version:inkstone-[0-9.]+", "version:inkstone", ours),
              score.format(width=digits, signature=signature))


def sentence_case(what, metric, hypotheses, references, *flags):
    ours = run(hypotheses, references, "--sentences", "--digits", "8", *flags).split("\n")
    for i, (hypothesis, *several) in enumerate(zip(hypotheses, *references)):
        theirs = metric.sentence_score(hypothesis.rstrip(), [s.rstrip() for s in several])
        check(f"{what} line {i + 1} {flags}", ours[i], f"{theirs.score:.8f}")


TOKENIZERS = ("13a", "zh", "intl", "char", "none")
SMOOTHINGS = (("exp", None), ("floor", None), ("floor", 0.37), ("add-k", None), ("add-k", 2.5), ("none", None))


def smooth_flags(method, value):
    return ["--smooth", method] + (["--smooth-value", str(value)] if value else [])


def bleu_cases(what, hypotheses, references):
    for tokenizer in TOKENIZERS:
        for lowercase in (False, True):
            sacrebleu_case(what, BLEU(tokenize=tokenizer, lowercase=lowercase), hypotheses, references, "--metric", "bleu",
                           "--tokenize", tokenizer, *["--lowercase"] * lowercase)
    for method, value in SMOOTHINGS:
        for effective in (False, True):
            sacrebleu_case(what, BLEU(smooth_method=method, smooth_value=value, effective_order=effective), hypotheses, references,
                           "--metric", "bleu", *smooth_flags(method, value), *["--effective-order"] * effective)


def chrf_cases(what, hypotheses, references):
    for words in (0, 1, 2):
        for lowercase in (False, True):
            sacrebleu_case(what, CHRF(word_order=words, lowercase=lowercase), hypotheses, references, "--metric", "chrf",
                           "--chrf-word-order", str(words), *["--lowercase"] * lowercase)
    sacrebleu_case(what, CHRF(word_order=2), hypotheses, references, "--metric", "chrf++")
    sacrebleu_case(what, CHRF(whitespace=True), hypotheses, references, "--metric", "chrf", "--chrf-whitespace")
    sacrebleu_case(what, CHRF(eps_smoothing=True), hypotheses, references, "--metric", "chrf", "--chrf-eps-smoothing")
    sacrebleu_case(what, CHRF(beta=3, char_order=4), hypotheses, references, "--metric", "chrf", "--chrf-beta", "3",
                   "--chrf-char-order", "4")


TER_OPTIONS = ("normalized", "no_punct", "asian_support", "case_sensitive")


def ter_cases(what, hypotheses, references, every=1):
    for bits in range(0, 16, every):
        options = {name: bool(bits >> i & 1) for i, name in enumerate(TER_OPTIONS)}
        flags = ["--ter-" + name.replace("_", "-") for name, on in options.items() if on]
        sacrebleu_case(what, TER(**options), hypotheses, references, "--metric", "ter", *flags)


# ---- rouge-score ----


class ChineseTokenizer:
    """What --tokenize zh is, written once more."""

    @staticmethod
    def tokenize(text):
        han = r"[\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
        return regex.findall(han + "|(?:(?!" + han + r")[\p{L}\p{M}\p{N}])+", text.lower())


def rouge_case(what, scorer, hypotheses, references, *flags, mark=None):
    def text(line):
        return line.replace(mark, "\n") if mark else line

    scores = [scorer.score_multi([text(r) for r in several], text(h)) for h, *several in zip(hypotheses, *references)]
    lines = run(hypotheses, references, "--metric", "rouge", *flags).split("\n")
    each = run(hypotheses, references, "--metric", "rouge", "--sentences", "--digits", "8", *flags).split("\n")
    for k, name in enumerate(ROUGE):
        mean = [sum(100 * getattr(s[name], part) for s in scores) / len(scores) for part in ("fmeasure", "precision", "recall")]
        got = re.fullmatch(name + r"\|\S+ = ([0-9.]+) \(P = ([0-9.]+) R = ([0-9.]+)\)", lines[k]).groups()
        check(f"{what} {name} {flags}", list(got), [f"{m:.2f}" for m in mean])
        for i, s in enumerate(scores):
            check(f"{what} {name} line {i + 1} {flags}", each[i].split("\t")[k], f"{100 * s[name].fmeasure:.8f}")


def rouge_cases(what, hypotheses, references, chinese=False, mark=None):
    flags = ["--sentence-mark", mark] if mark else []
    rouge_case(what, rouge_scorer.RougeScorer(ROUGE), hypotheses, references, *flags, mark=mark)
    rouge_case(what, rouge_scorer.RougeScorer(ROUGE, use_stemmer=True), hypotheses, references, "--stem", *flags, mark=mark)
    if chinese:
        rouge_case(what, rouge_scorer.RougeScorer(ROUGE, tokenizer=ChineseTokenizer), hypotheses, references, "--tokenize", "zh",
                   *flags, mark=mark)


# ---- chance ----


def interval_cases(what, hypotheses, references, other):
    """Another generator: means and intervals come near, p-values too."""
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
        score = metric.corpus_score(hypotheses, references, n_bootstrap=1000)
        ours = json.loads(run(hypotheses, references, "--metric", name, "--confidence", "--json"))[0]
        check(f"{what} mean", abs(ours["confidence_mean"] - score._mean) < 0.1, True)
        check(f"{what} interval", abs(ours["confidence_var"] / score._ci - 1) < 0.1, True)
        check(f"{what} signature", re.sub("version.*", "", ours["signature"]), re.sub("version.*", "", str(metric.get_signature())))
        for test, kind in (("bootstrap", "bs"), ("randomization", "ar")):
            signatures, results = PairedTest([("a", hypotheses), ("b", other)], {name: type(metric)(references=references)}, None, kind,
                                             n_samples=1000)()
            theirs = results[score.name][1]
            ours = json.loads(run(hypotheses, references, "--metric", name, "--paired", put("other", other), "--paired-test", test,
                                  "--paired-n", "1000", "--json"))[0]
            p = ours["paired"][0]["p_value"]
            check(f"{what} {test} p {p} {theirs.p_value}", abs(p - theirs.p_value) < 0.03, True)
            check(f"{what} {test} score", f"{ours['paired'][0]['score']:.10f}", f"{theirs.score:.10f}")
            check(f"{what} {test} signature", re.sub("version.*", "", ours["signature"]),
                  re.sub("version.*", "", str(signatures[score.name])))


# ---- texts ----


def perturbed(lines, seed, rate=0.25, characters=False):
    """Words (or characters) dropped, doubled, swapped, moved as blocks, taken from other lines; cases changed."""
    rng = random.Random(seed)
    out = []
    for line in lines:
        words = list(line) if characters else line.split(" ")
        for _ in range(1 + int(rate * len(words))):
            kind, i = rng.randrange(7), rng.randrange(len(words) + 1)
            if kind == 0:
                del words[i:i + 1]
            elif kind == 1:
                words[i:i] = words[i:i + 1]
            elif kind == 2:
                words[i:i + 2] = words[i:i + 2][::-1]
            elif kind == 3:
                block = words[i:i + 4]
                del words[i:i + 4]
                j = rng.randrange(len(words) + 1)
                words[j:j] = block
            elif kind == 4:
                stranger = rng.choice(lines)
                words[i:i + 1] = rng.sample(stranger if characters else stranger.split(" "), 1) if stranger else []
            elif kind == 5:
                words[i:i + 1] = [w.swapcase() for w in words[i:i + 1]]
            elif rng.random() < 0.2:
                words = []
        out.append(("" if characters else " ").join(words))
    return out


def lines_of(path, count, column=None):
    with open(os.path.join(shared, "data", path), encoding="utf-8-sig", newline="\n") as f:
        lines = [line.rstrip("\n") for line, _ in zip(f, range(count))]
    return lines if column is None else [line.split("\t")[column] for line in lines]


def edge_cases():
    """Every character in its context, and lines that are none."""
    rng = random.Random(7)
    ascii_soup = ["".join(rng.choice("aB9 .,-'&<>/!;()\"'s") for _ in range(rng.randrange(60))) for _ in range(150)]
    wide = "ÀßıİΣσς·’中国。，！？「」ー々〇\u3000\u00a0\u2009\u200b\u2028\u0085\u001c😀👍🏽🇩🇪é\u0301½Ⅷ①€£±→☃\uff10\uff21\uff0c\uff61\u30fb漢字かなカナ한글"
    unicode_soup = ["".join(rng.choice(wide + "aZ09 .,'-") for _ in range(rng.randrange(40))) for _ in range(150)]
    escapes = ["&quot;a&quot; &amp;lt; <skipped> &gt;", "it's 's dogs' 1,000.50 -3 4-5 x.y", ".5 5. , ,5", "  lead", "trail  ", "", " ", "one"]
    lines = [line.replace("\n", " ") for line in ascii_soup + unicode_soup + escapes]
    return lines, perturbed(lines, 1, 0.1, characters=True)


def lowering():
    """str.lower() of every code point, between letters and alone: equal lines, or BLEU is not 100."""
    lines = []
    for code in range(0x20, 0x30000):
        if not 0xd800 <= code < 0xe000 and not chr(code).isspace():
            lines.append("a" + chr(code) + "b " + chr(code) + " A\u03a3" + chr(code) + " " + chr(code) + "\u03a3 A" + chr(code) + "\u03a3")
    whole = [line.lower() for line in lines]
    scores = run(lines, [whole], "--metric", "bleu", "--tokenize", "char", "--lowercase", "--sentences").split("\n")
    wrong = [hex(ord(line[1])) for line, score in zip(lines, scores)
             if score != "100.00" and unicodedata.category(line[1]) != "Cn"]  # not known to an older Python
    check("lower-casing", wrong, [])


def spaces():
    """str.split() and the classes of intl, at every code point."""
    lines = ["a" + chr(code) + "b" for code in range(0x1, 0x30000) if code != 10 and code != 13 and not 0xd800 <= code < 0xe000]
    others = ["a b"] * len(lines)
    sentence_case("spaces", BLEU(tokenize="none", effective_order=True), lines, [others], "--metric", "bleu", "--tokenize", "none")
    sentence_case("zh", BLEU(tokenize="zh", effective_order=True), lines, [others], "--metric", "bleu", "--tokenize", "zh")
    assigned = [line for line in lines if is_old(line[1])]
    sentence_case("intl", BLEU(tokenize="intl", effective_order=True), assigned, [["a b"] * len(assigned)], "--metric", "bleu",
                  "--tokenize", "intl")


def is_old(character):
    """Known to Python's Unicode and to that of the package regex alike, which is newer."""
    category = unicodedata.category(character)
    return category != "Cn" and bool(regex.match(r"\p{%s}" % category, character))


def everything(what, hypotheses, references, chinese=False):
    bleu_cases(what, hypotheses, references)
    chrf_cases(what, hypotheses, references)
    ter_cases(what, hypotheses, references)
    rouge_cases(what, hypotheses, references, chinese)
    for metric, name in ((BLEU(effective_order=True), "bleu"), (CHRF(), "chrf"), (CHRF(word_order=2), "chrf++"), (TER(), "ter")):
        sentence_case(what, metric, hypotheses, references, "--metric", name)


def main():
    lines, changed = edge_cases()
    everything("edge cases", changed, [lines], chinese=True)
    everything("edge cases, two references", changed, [lines, perturbed(lines, 2, 0.5, characters=True)], chinese=True)
    lowering()
    spaces()
    rouge_cases("sentences", perturbed(["a b c . <n> d e f <n> <n> g the cat sat"] * 50, 5), [["d e f <n> a c . <n> the cat g sat"] * 50],
                mark="<n>")
    if not os.path.isdir(os.path.join(shared, "data")):
        print("SKIP: there is no", os.path.join(shared, "data"), "- only made-up text was compared")
    else:
        shared_sets()
    print(f"{compared} comparisons, {len(failed)} differ")
    sys.exit(1 if failed else 0)


def shared_sets():
    german = lines_of("translate/multi30k/raw/test_2016_flickr.de", 150)
    everything("multi30k", perturbed(german, 3), [german])
    everything("multi30k, two references", perturbed(german, 3), [german, perturbed(german, 4)])
    interval_cases("multi30k", perturbed(german, 5), [german], perturbed(german, 6, 0.27))
    chinese = lines_of("translate/tatoeba_en_zh/cmn.txt", 6000, 1)[::40]
    everything("tatoeba", perturbed(chinese, 5, characters=True), [chinese], chinese=True)
    with open(os.path.join(shared, "data/summarize/dialogsum/test.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line, _ in zip(f, range(80))]
    summaries = [[row[f"summary{i}"].replace("\n", " ") for row in rows] for i in (1, 2, 3)]
    everything("dialogsum", perturbed(summaries[0], 6), summaries)
    leads = [" ".join(re.split(r"\s*\n\s*", row["dialogue"])[:2]) for row in rows]
    everything("dialogsum lead-2", leads, summaries)
    poems = lines_of("text/chinese_poetry/tang.test.tsv", 40, 2)
    ter_cases("poems", perturbed(poems, 8, characters=True), [poems], every=3)
    play = [" ".join(lines_of("text/tinyshakespeare/input.txt", 40 * (i + 1))[40 * i:]) for i in range(4)]
    ter_cases("long lines", perturbed(play, 9, 0.05), [play], every=7)
    rouge_cases("long lines", perturbed(play, 9, 0.05), [play])


main()
