"""Inkstone, a deep-learning text generator: train language models on your own text and run them, on the CPU.

    import inkstone

    inkstone.train("write", ["poems.txt"], "models/poems", budget="10m", call=inkstone.Call(on_event=print))
    with inkstone.Model("models/poems") as model:
        for token in model.stream("The moon", temperature=0.8):
            print(token, end="", flush=True)

This is the C library libinkstone (inkstone.h), called by ctypes. Settings are arguments with the names of the command line's flags;
`Settings("train").describe()` lists them. Failures are exceptions (`Error`) whose text says where, what is wrong and what to do.
Ctrl-C stops a running call.
"""
from ._call import Call, Engine, Event, EventKind, Stop
from ._errors import DamagedError, Error, InterruptedCall, NotFoundError, OutOfMemoryError, UsageError
from ._model import Model
from ._queue import Queue, Request
from ._results import Comparison, Converted, Label, Output, Rewritten, Scores, Token, Written
from ._session import Session
from ._settings import SettingInfo, Settings
from ._tasks import (bench, check_text, convert, instruction_set, pull, pulled, read_text, score, set_language, train, version,
                     version_number)
from ._tokenizer import Tokenizer, train_tokenizer

__version__ = version()

__all__ = [
    "Call", "Comparison", "Converted", "DamagedError", "Engine", "Error", "Event", "EventKind", "InterruptedCall", "Label", "Model",
    "NotFoundError", "OutOfMemoryError", "Output", "Queue", "Request", "Rewritten", "Scores", "Session", "SettingInfo", "Settings",
    "Stop", "Token", "Tokenizer", "UsageError", "Written", "bench", "check_text", "convert", "instruction_set", "pull", "pulled",
    "read_text", "score", "set_language", "train", "train_tokenizer", "version", "version_number",
]
