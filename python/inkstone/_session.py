"""Sessions: a model token by token, for programs with their own sampling or search."""
from __future__ import annotations

import array
import ctypes
from typing import Any, Iterable, Optional

from . import _c
from ._arrays import ids_of
from ._call import Call, ask, invoke, taken
from ._handle import Handle
from ._library import lib


class Session(Handle):
    """Reads tokens and gives the logits after the last one. Use `model.session()`."""

    def __init__(self, model: Handle, positions: int = 0) -> None:
        """`positions`: most tokens; 0: the model's."""
        options = _c.ink_session_options(ctypes.sizeof(_c.ink_session_options), positions)
        with model._use() as address:
            super().__init__(ask(lib.ink_session_open, address, ctypes.byref(options)), lib.ink_session_close, model)

    def source(self, ids: Iterable[int]) -> None:
        """Sets the source of a model with an encoder, and rewinds the session."""
        values, count = ids_of(ids)
        with self._use() as address:
            ask(lib.ink_session_source, address, values, count)

    def feed(self, ids: Iterable[int], *, call: Optional[Call] = None) -> array.array[float]:
        """Reads tokens and returns a copy of the logits after the last one, a score for each token of the vocabulary.

        It is an array of 32-bit floats: `numpy.asarray(session.feed(ids))` shares its memory.
        """
        values, count = ids_of(ids)
        with self._use() as address:
            return self._copied(address, invoke(call, lib.ink_session_feed, address, values, count))

    @staticmethod
    def _copied(address: int, logits: Any) -> array.array[float]:
        copy = array.array("f")
        copy.frombytes(ctypes.string_at(logits, lib.ink_session_vocabulary(address) * copy.itemsize))
        return copy

    @property
    def position(self) -> int:
        """Tokens read."""
        with self._use() as address:
            return int(lib.ink_session_position(address))

    @property
    def positions(self) -> int:
        """Most tokens."""
        with self._use() as address:
            return int(lib.ink_session_positions(address))

    @property
    def vocabulary(self) -> int:
        """The number of logits."""
        with self._use() as address:
            return int(lib.ink_session_vocabulary(address))

    def rewind(self) -> None:
        """Discards the tokens read; keeps the source."""
        with self._use() as address:
            ask(lib.ink_session_rewind, address)

    def save(self) -> bytes:
        """The session, to be restored here or in another process with a model of the same tokenizer."""
        length = ctypes.c_size_t()
        with self._use() as address:
            return taken(ask(lib.ink_session_save, address, ctypes.byref(length)), length.value)

    def restore(self, saved: bytes, *, call: Optional[Call] = None) -> Optional[array.array[float]]:
        """Restores what `save` returned, and returns the logits after the last token; None if there is no token."""
        logits = ctypes.POINTER(ctypes.c_float)()
        with self._use() as address:
            invoke(call, lib.ink_session_restore, address, saved, len(saved), ctypes.byref(logits))
            return self._copied(address, logits) if logits else None
