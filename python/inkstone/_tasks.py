"""What needs no open model: training, converting, downloading, scoring, reading, measuring the machine."""
from __future__ import annotations

import ctypes
import json
from typing import Any, List, Optional, Sequence, Union

from . import _c
from ._arrays import names_of
from ._call import Call, Path, ask, invoke, name_of, taken, word
from ._library import lib
from ._results import CONVERTED, Converted, converted_of
from ._settings import Settings, Value, settings_for


def version() -> str:
    """The version of the library."""
    return str(lib.ink_version().decode())


def version_number() -> int:
    """10000 major + 100 minor + patch."""
    return int(lib.ink_version_number())


def instruction_set() -> str:
    """The instruction set in use: the best one this machine has, or the one that the environment variable INKSTONE_ISA names."""
    return str(ask(lib.ink_instruction_set).decode())


def set_language(tag: Optional[str]) -> None:
    """The language of errors, notes and help, for the whole process: "en" or "zh". None: by the environment."""
    ask(lib.ink_set_language, None if tag is None else word(tag))


def train(task: str, files: Union[Path, Sequence[Path]], out: Path, *, settings: Optional[Settings] = None, call: Optional[Call] = None,
          **values: Value) -> None:
    """Trains a model on files and writes it to the directory `out`.

    `task`: "write", from running text; "translate", "summarize" or "reply", from pairs or conversations; "classify", from labelled texts.
    Interrupted (Ctrl-C, a Stop), it writes a checkpoint, from which `resume=True` continues.
    """
    names, count = names_of(files)
    with settings_for("train", settings, values)._use() as address:
        invoke(call, lib.ink_train, word(task), names, count, name_of(out), address)


def convert(source: Path, out: Path, *, settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> Converted:
    """Converts a model to a GGUF file, if `out` ends in ".gguf", else to a Hugging Face directory; `type`: of its weights."""
    done = _c.ink_converted(ctypes.sizeof(CONVERTED))
    with settings_for("convert", settings, values)._use() as address:
        invoke(call, lib.ink_convert, name_of(source), name_of(out), address, ctypes.byref(done))
    return converted_of(done)


def pull(model: str, *, settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> Any:
    """Downloads a model into the cache: "ORG/NAME", "ORG/NAME@REVISION", "ORG/NAME:FILE". Returns a dict with its "path"."""
    with settings_for("pull", settings, values)._use() as address:
        return json.loads(taken(invoke(call, lib.ink_pull, word(model), address)))


def pulled() -> List[Any]:
    """The models in the cache: dicts with "model", "bytes" and "path"."""
    return list(json.loads(taken(ask(lib.ink_pulled))))


def score(hypothesis: Path, references: Union[Path, Sequence[Path]], *, settings: Optional[Settings] = None,
          call: Optional[Call] = None, **values: Value) -> List[Any]:
    """Compares the lines of a file with those of references by the metrics of the setting "metric": a dict for each."""
    names, count = names_of(references)
    with settings_for("score", settings, values)._use() as address:
        return list(json.loads(taken(invoke(call, lib.ink_score, name_of(hypothesis), names, count, address))))


def read_text(path: Path, *, settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> str:
    """Reads a text as the library does: decompressed, converted to UTF-8, checked. "-" is standard input."""
    length = ctypes.c_size_t()
    with settings_for("text", settings, values)._use() as address:
        text = invoke(call, lib.ink_text_read, name_of(path), address, ctypes.byref(length))
    return taken(text, length.value).decode()


def check_text(data: bytes, name: str, *, settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> str:
    """As `read_text`, for bytes; `name` names them in errors."""
    length = ctypes.c_size_t()
    with settings_for("text", settings, values)._use() as address:
        text = invoke(call, lib.ink_text_check, data, len(data), word(name), address, ctypes.byref(length))
    return taken(text, length.value).decode()


def bench(what: str, *, settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> Any:
    """Measures speed: "train", "generate", "ops" or "machine"."""
    with settings_for("bench", settings, values)._use() as address:
        return json.loads(taken(invoke(call, lib.ink_bench, word(what), address)))
