"""The failures of the library as exceptions."""
from __future__ import annotations

import ctypes
from typing import NoReturn

from . import _c


class Error(Exception):
    """A call failed. The text says in one sentence where, what is wrong, and what to do."""


class UsageError(Error, ValueError):
    """The request is invalid: an unknown setting, a value out of range, a model of another task."""


class NotFoundError(Error, FileNotFoundError):
    """A file or directory does not exist."""


class DamagedError(Error):
    """Data violates its format."""


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory, or less than an engine's limit leaves."""


class InterruptedCall(Error):
    """The call was stopped by a Stop. Training wrote a checkpoint before."""


_kinds: dict[int, type[Error]] = {
    _c.INK_USAGE: UsageError,
    _c.INK_NOT_FOUND: NotFoundError,
    _c.INK_DAMAGED: DamagedError,
    _c.INK_MEMORY: OutOfMemoryError,
    _c.INK_INTERRUPTED: InterruptedCall,
}


def error_of(err: _c.ink_error) -> Error:
    return _kinds.get(err.code, Error)(ctypes.string_at(ctypes.addressof(err) + _c.ink_error.text.offset).decode(errors="replace"))


def fail(err: _c.ink_error) -> NoReturn:
    raise error_of(err)
