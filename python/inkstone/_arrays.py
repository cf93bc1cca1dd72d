"""Sequences of ids and texts as the library takes them."""
from __future__ import annotations

import array
import ctypes
import os
from typing import Any, Iterable, List, Sequence, Tuple, Union

from . import _c
from ._call import Path, encoded, name_of, word

Turn = Tuple[str, str]


def ids_of(ids: Iterable[int]) -> Tuple[Any, int]:
    """An array of int32 and its length. numpy's arrays are iterables of int, too."""
    values = array.array("i", (int(i) for i in ids))
    return (ctypes.c_int32 * len(values)).from_buffer(values) if values else (ctypes.c_int32 * 0)(), len(values)


def names_of(files: Union[Path, Sequence[Path]]) -> Tuple[Any, int]:
    """File names, or a single one."""
    names: List[Path] = [files] if isinstance(files, (str, os.PathLike)) else list(files)
    return (ctypes.c_char_p * len(names))(*(name_of(name) for name in names)), len(names)


def texts_of(texts: Union[str, Sequence[str]]) -> Tuple[Any, Any, int]:
    """Texts, or a single one: bytes, lengths, count."""
    found: List[bytes] = [encoded(text) for text in ([texts] if isinstance(texts, str) else texts)]
    return (ctypes.c_char_p * len(found))(*found), (ctypes.c_size_t * len(found))(*(len(text) for text in found)), len(found)


def turns_of(turns: Union[str, Sequence[Turn]]) -> Tuple[Any, int]:
    """The turns of a conversation, or what the user says."""
    texts = [(word(role), encoded(text)) for role, text in ([("user", turns)] if isinstance(turns, str) else turns)]
    return (_c.ink_turn * len(texts))(*(
        _c.ink_turn(role, ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len(text)) for role, text in texts)), len(texts)
