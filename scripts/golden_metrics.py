#!/usr/bin/env python3
"""Writes tests/golden/metrics/: made-up text, the scores of sacrebleu and rouge-score for it, and stems.

    python3 scripts/golden_metrics.py        (needs sacrebleu 2 and rouge-score; run once, the files are committed)

A line of scores.txt, separated by tabs: settings, name, signature up to the version, score, details, score of each line.
"""
import logging
import os
import random
import re

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

logging.disable(logging.WARNING)  # it recommends effective order for single lines
OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "golden", "metrics")
# Hypotheses with two references each.
TEXT = [
    ("The old miller counted 1,250 sacks of flour.", "The old miller counted 1,250.5 sacks of flour.", "An old miller counts his sacks."),
    ("the cat sat on on on the mat", "The cat sat on the mat.", "On the mat sat the cat, sleeping."),
    ("In the morning the ferry leaves at half past six from the pier", "From the pier the ferry leaves at half past six in the morning",
     "At half past six in the morning, the ferry leaves from the pier"),
    ("Die Straße nach Süden ist gesperrt; fahren Sie über Gießen!", "Die STRASSE nach Süden ist gesperrt: Fahren Sie über Gießen.",
     "Die Straße gen Süden ist zu, fahr über Gießen!"),
    ("河边的老人在月光下慢慢地唱歌。", "老人在河边，月光下，慢慢地歌唱。", "月光下，河边的老人唱着歌。"),
    ("她买了３本书和2.5公斤苹果，ok？", "她买了三本书和2.5公斤的苹果，OK？", "她买了３本书、两公斤半苹果。"),
    ("", "There was nothing to say.", "Nothing."),
    ("Something was said.", "", "Something."),
    ("", "", ""),
    ("moon", "moon", "Moon"),
    ("sun", "star", "stars"),
    ("It's 5-6 o'clock &amp; \"late\", isn't it? <skipped>", "It's 5-6 o'clock & 'late' - isn't it?", "It is 5 - 6 o'clock &amp;quot; late"),
    ("dots ,,9 and .5 and 5. and a.b,c (see #7) — x±y €3", "dots , , 9 and .5 and 5 . and a.b , c (see # 7) - x ± y 3 €", ",,9 dots's end"),
    ("🙂 fine 👍🏽 day", "fine 🙂 day 👍", "a fine day 🙂🙂"),
    ("  spaces\u3000and\u00a0more   spaces ", "spaces and more spaces", "spaces\u2009and more  spaces"),
    ("ΟΔΟΣ ΣΑΣ İSTANBUL", "οδος σας i̇stanbul", "οδοσ σασ istanbul"),
    ("Nationalities were happily relating their generalizations", "a national relation is generally happy", "Relational nationality, happiness"),
    ("cut the rope <n> row the boat <n> sing", "row the boat <n> and sing <n> do not cut the rope", "sing, row"),
]
WORDS = """caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing
fizzed failing filing happy sky enjoy spy relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli
vileli analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti
triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable
defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize
probate rate cease controll roll dying lying tying news innings howe proceed exceed succeed died spied dies flies geologi theologi
yyyyyy syzygy toy oat oats trees ions ration wholly fulli carefulli genericalli eed need seed 2nds b2b kings bing skies ness ational
ally uses used using ease eased easing y2k eyes played plays being seeing relationally educationally nationally""".split()
SMOOTH = [("exp", None), ("floor", None), ("floor", 0.37), ("add-k", None), ("add-k", 2.5), ("none", None)]
TER_OPTIONS = ["normalized", "no_punct", "asian_support", "case_sensitive"]
ROUGE = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


def jumbles():
    """Few words, often repeated, with moved blocks: gives many ties between shifts and between subsequences."""
    rng = random.Random(1)
    for _ in range(40):
        reference = [rng.choice("a b c d e f <n>".split()) for _ in range(rng.randrange(4, 30))]
        row = []
        for _ in range(2):
            words = list(reference)
            for _ in range(rng.randrange(1, 5)):
                i, length = rng.randrange(len(words)), rng.randrange(1, 5)
                block = words[i:i + length]
                del words[i:i + length]
                j = rng.randrange(len(words) + 1)
                words[j:j] = block[:rng.randrange(1, 5)] + [rng.choice("abcxyz")] * rng.randrange(2)
            row.append(" ".join(words))
        yield row[0], " ".join(reference), row[1]


def put(name, lines):
    with open(os.path.join(OUT, name), "w", encoding="utf-8", newline="\n") as f:
        f.writelines(line + "\n" for line in lines)


def cases():
    for tokenizer in ("13a", "zh", "intl", "char", "none"):
        for lowercase in (False, True):
            yield f"bleu tokenize={tokenizer} lowercase={str(lowercase).lower()}", BLEU(tokenize=tokenizer, lowercase=lowercase)
    for method, value in SMOOTH:
        for effective in (False, True):
            options = f"bleu smooth={method} effective-order={str(effective).lower()}" + (f" smooth-value={value}" if value else "")
            yield options, BLEU(smooth_method=method, smooth_value=value, effective_order=effective)
    yield "chrf", CHRF()
    yield "chrf++", CHRF(word_order=2)
    yield "chrf++ lowercase=true", CHRF(word_order=2, lowercase=True)
    yield "chrf chrf-word-order=1 chrf-char-order=4 chrf-beta=3", CHRF(word_order=1, char_order=4, beta=3)
    yield "chrf chrf-whitespace=true", CHRF(whitespace=True)
    yield "chrf++ chrf-eps-smoothing=true", CHRF(word_order=2, eps_smoothing=True)
    for bits in range(16):
        options = {name: bool(bits >> i & 1) for i, name in enumerate(TER_OPTIONS)}
        yield "ter " + " ".join(f"ter-{k.replace('_', '-')}=true" for k, on in options.items() if on), TER(**options)


def sacrebleu_lines(hypotheses, references):
    for options, metric in cases():
        score = metric.corpus_score(hypotheses, references)
        signature = re.sub("version:.*", "", str(metric.get_signature()))
        each = [metric.sentence_score(h, list(r)).score for h, *r in zip(hypotheses, *references)]
        details = score._verbose or ""
        yield f"refs={len(references)} {options}".rstrip(), score.name, signature, f"{score.score:.10f}", details, each


def rouge_lines(hypotheses, references):
    def text(line):
        return line.replace("<n>", "\n")

    for stem in (False, True):
        scorer = rouge_scorer.RougeScorer(ROUGE, use_stemmer=stem)
        scores = [scorer.score_multi([text(r) for r in several], text(h)) for h, *several in zip(hypotheses, *references)]
        for name in ROUGE:
            f, p, r = ([100 * getattr(s[name], part) for s in scores] for part in ("fmeasure", "precision", "recall"))
            mean = [sum(part) / len(part) for part in (f, p, r)]
            options = f"refs={len(references)} {name} sentence-mark=<n> stem={str(stem).lower()}"
            yield (options, name, f"nrefs:{len(references)}|case:lc|stem:{'yes' if stem else 'no'}|tok:rouge|", f"{mean[0]:.10f}",
                   f"(P = {mean[1]:.2f} R = {mean[2]:.2f})", f)


def main():
    os.makedirs(OUT, exist_ok=True)
    hypotheses, *references = ([line.rstrip() for line in column] for column in zip(*TEXT, *jumbles()))
    put("hypothesis.txt", hypotheses)
    for i, reference in enumerate(references):
        put(f"reference{i + 1}.txt", reference)
    rows = []
    for count in (1, 2):
        for rows_of in (sacrebleu_lines, rouge_lines):
            for *columns, each in rows_of(hypotheses, references[:count]):
                rows.append("\t".join([*columns, " ".join(f"{score:.6f}" for score in each)]))
    put("scores.txt", rows)
    stemmer = PorterStemmer()
    put("stems.txt", [f"{word} {stemmer.stem(word)}" for word in WORDS])


main()
