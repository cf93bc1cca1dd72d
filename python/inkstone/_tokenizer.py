"""Tokenizers: text to ids and back."""
from __future__ import annotations

import array
import ctypes
from typing import Any, Iterable, List, Optional, Sequence, Union

from ._arrays import ids_of, names_of
from ._call import Call, Path, ask, encoded, invoke, name_of, taken, text_of
from ._handle import Handle
from ._library import lib
from ._settings import Settings, Value, settings_for


class Tokenizer(Handle):
    """A tokenizer.json, or that of a directory that holds one."""

    def __init__(self, path: Path) -> None:
        super().__init__(ask(lib.ink_tokenizer_open, name_of(path)), lib.ink_tokenizer_close)

    @classmethod
    def _of_model(cls, address: Any, model: Handle) -> Tokenizer:
        """The model's own, which is freed with it."""
        self = cls.__new__(cls)
        Handle.__init__(self, address, lambda address: None, model)
        return self

    def __len__(self) -> int:
        """The number of tokens in the vocabulary."""
        with self._use() as address:
            return int(lib.ink_tokenizer_size(address))

    def encode(self, text: str, special_tokens: bool = False) -> List[int]:
        """The ids of a text. `special_tokens`: those written out in the text are read as such; else they are ordinary text."""
        ids, count, data = ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t(), encoded(text)
        with self._use() as address:
            ask(lib.ink_tokenizer_encode, address, data, len(data), special_tokens, ctypes.byref(ids), ctypes.byref(count))
        found = array.array("i")
        found.frombytes(taken(ids, count.value * found.itemsize))
        return found.tolist()

    def decode(self, ids: Iterable[int], special_tokens: bool = False) -> str:
        """The text of ids. `special_tokens`: they are written out; else they are left out."""
        values, count = ids_of(ids)
        text, length = ctypes.c_void_p(), ctypes.c_size_t()
        with self._use() as address:
            ask(lib.ink_tokenizer_decode, address, values, count, special_tokens, ctypes.byref(text), ctypes.byref(length))
        return taken(text, length.value).decode("utf-8", "replace")

    @property
    def remark(self) -> Optional[str]:
        """What the tokenizer's files request that Inkstone does not support, and how it affects texts."""
        with self._use() as address:
            return text_of(lib.ink_tokenizer_remark(address)) or None


def train_tokenizer(files: Union[Path, Sequence[Path]], out: Path, *, settings: Optional[Settings] = None, call: Optional[Call] = None,
                    **values: Value) -> None:
    """Trains a tokenizer on text files and writes it to `out` as a tokenizer.json."""
    names, count = names_of(files)
    with settings_for("tokenizer", settings, values)._use() as address:
        invoke(call, lib.ink_tokenizer_train, names, count, name_of(out), address)
