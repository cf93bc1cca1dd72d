"""Objects of the library: closed once, not in use, and by one thread at a time."""
from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Callable, Iterator, Optional, Type, TypeVar

Self = TypeVar("Self", bound="Handle")


class Handle:
    """An object of the library. `with` closes it at the end; so does the garbage collector."""

    def __init__(self, address: Any, free: Callable[[Any], object], parent: Optional[Handle] = None) -> None:
        self._address = address
        self._free = free
        self._parent = parent  # keeps it alive
        self._children: weakref.WeakSet[Handle] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._uses = 0
        if parent is not None:
            parent._children.add(self)

    @contextmanager
    def _use(self) -> Iterator[Any]:
        """The address, for a call. Other threads wait for its end; the call's own listeners may use the object."""
        with self._lock:
            if self._address is None:
                raise ValueError(f"this {type(self).__name__} is closed")
            self._uses += 1
            try:
                yield self._address
            finally:
                self._uses -= 1

    @contextmanager
    def _pin(self) -> Iterator[Any]:
        """The address, for calls of several threads at once: they cannot close it meanwhile."""
        with self._use() as address:
            self._uses += 1
        try:
            yield address
        finally:
            with self._lock:
                self._uses -= 1

    def close(self) -> None:
        """Frees the object, and first what was opened with it. Closing again does nothing."""
        with self._lock:
            if self._uses:
                raise RuntimeError(f"this {type(self).__name__} is in use: close it when its calls have returned")
            for child in list(self._children):
                child.close()
            if self._address is not None:
                self._free(self._address)
                self._address = None

    @property
    def closed(self) -> bool:
        """Whether the object was closed."""
        return self._address is None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], where: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_address", None) is not None:
            self.close()
