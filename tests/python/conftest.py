"""Models of seconds for the tests of the Python package, trained by it. Needs INKSTONE_LIBRARY and PYTHONPATH: see python.cmake."""
import pytest

import inkstone

WORDS = "the a moon river stone old woman walks sings under bright cold and over small bird house rain".split()
NANO = dict(size="nano", tokenizer="byte", context=32, batch=4, steps=8, eval_every=4, sample_tokens=0, threads=1)


def text_of(lines):
    state, found = 12345, []
    for _ in range(lines):
        words = []
        for _ in range(8):
            state = (state * 1103 + 12345) % 65536
            words.append(WORDS[state // 7 % len(WORDS)])
        found.append(" ".join(words).capitalize() + ".\n")
    return "".join(found)


@pytest.fixture(scope="session", autouse=True)
def english():
    inkstone.set_language("en")


@pytest.fixture(scope="session")
def poems(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "poems.txt"
    path.write_text(text_of(300))
    return path


@pytest.fixture(scope="session")
def model_path(poems, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "poems"
    inkstone.train("write", poems, out, **NANO)
    return out


@pytest.fixture()
def model(model_path):
    with inkstone.Model(model_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def translator_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "pairs.tsv").write_text("".join(f"{line}\t{line.upper()}\n" for line in text_of(200).splitlines()))
    inkstone.train("translate", folder / "pairs.tsv", folder / "model", **{**NANO, "arch": "marian", "context": None})
    return folder / "model"
