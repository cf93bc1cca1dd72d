"""Ctrl-C while the main thread is inside the library.

Python runs handlers of signals between its own instructions: none while the library works, and if a listener is called, as its first
instruction, where an exception would be lost. So for the time of a call, a handler that raises nothing stands in for the real one,
and a thread is woken by the signal itself (signal.set_wakeup_fd) to stop the call. The real handler runs when the call has returned.
"""
from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, Optional


class _Watch:
    """A thread that stops the current call when a signal has written to a pipe."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.stop: Optional[Callable[[], None]] = None
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        threading.Thread(target=self._wait, name="inkstone-interrupt", daemon=True).start()

    def _wait(self) -> None:
        number = os.read(self.reader, 1)
        while number:  # until the other end is closed; other signals come here, too
            stop = self.stop
            if signal.SIGINT in number and stop:
                stop()
            number = os.read(self.reader, 1)
        os.close(self.reader)

    def end(self) -> None:
        os.close(self.writer)


_watch: Optional[_Watch] = None
_inside = False  # a call made by a listener leaves SIGINT to the call around it


def _ready_watch() -> _Watch:
    global _watch
    if _watch is None or _watch.process != os.getpid():  # a fork has no threads
        _watch = _Watch()
    return _watch


def _discard_watch() -> None:
    """With what is still in its pipe, so that it does not stop the next call."""
    global _watch
    if _watch:
        _watch.end()
    _watch = None


@contextmanager
def deferred(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, SIGINT calls `stop`, perhaps in another thread and several times; its handler is run at the end."""
    global _inside
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler) or _inside:
        yield
        return
    seen = False

    def note(number: int, frame: Optional[FrameType]) -> None:
        nonlocal seen
        seen = True
        stop()

    watch = _ready_watch()
    watch.stop = stop
    _inside = True
    signal.signal(signal.SIGINT, note)
    old = signal.set_wakeup_fd(watch.writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGINT, handler)
        watch.stop = None
        _inside = False
        if seen:
            _discard_watch()
            handler(signal.SIGINT, None)
