#!/usr/bin/env python3
"""What costs nothing to know: the baselines of the recipes, a line for each line of SOURCE. Development only.

  baselines.py first SOURCE            the first sentence
  baselines.py lead2 SOURCE            the first two sentences of a conversation, without who says them
  baselines.py nearest SOURCE TRAIN    the target of the training pair whose source is nearest by TF-IDF
"""
import math
import re
import sys
from collections import Counter, defaultdict


def lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().rstrip("\n").split("\n")


def sentences(text):
    return re.split(r"(?<=[.!?。！？])\s+", text)


def words(text):
    """Words, and each Han character as one, as --tokenize zh has them."""
    return re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text.lower())


def lead2(text):
    turns = re.split(r"#Person\d+#: *", text)
    return " ".join([s for turn in turns for s in sentences(turn.strip()) if s][:2])


def vector(text, rarity):
    weights = {w: (1 + math.log(n)) * rarity[w] for w, n in Counter(words(text)).items() if w in rarity}
    length = math.sqrt(sum(x * x for x in weights.values())) or 1
    return {w: x / length for w, x in weights.items()}


def nearest(sources, pairs):
    seen = Counter(w for source, _ in pairs for w in set(words(source)))
    rarity = {w: math.log(len(pairs) / n) for w, n in seen.items()}
    having = defaultdict(list)
    for i, (source, _) in enumerate(pairs):
        for w, x in vector(source, rarity).items():
            having[w].append((i, x))
    for source in sources:
        score = defaultdict(float)
        for w, x in vector(source, rarity).items():
            if seen[w] * 10 > len(pairs):
                continue  # a word in every tenth source says little and costs most
            for i, y in having[w]:
                score[i] += x * y
        yield pairs[max(score, key=lambda i: (score[i], -i))][1] if score else pairs[0][1]


def main():
    if len(sys.argv) < 3 or (sys.argv[1] == "nearest") != (len(sys.argv) == 4):
        sys.exit(__doc__)
    sources = lines(sys.argv[2])
    if sys.argv[1] == "first":
        out = (sentences(s)[0] for s in sources)
    elif sys.argv[1] == "lead2":
        out = (lead2(s) for s in sources)
    else:
        out = nearest(sources, [tuple(line.split("\t")) for line in lines(sys.argv[3])])
    for line in out:
        print(line)


if __name__ == "__main__":
    main()
