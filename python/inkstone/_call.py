"""How calls run: events, stopping, engines, texts in memory; and the passage into the library that all of them take."""
from __future__ import annotations

import ctypes
import os
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Callable, List, Mapping, Optional, Tuple, TypeVar, Union

from . import _c
from ._errors import fail
from ._handle import Handle
from ._interrupt import deferred
from ._library import lib

Path = Union[str, "os.PathLike[str]"]
Item = TypeVar("Item")


class EventKind(IntEnum):
    """What an Event reports."""

    NOTE = _c.INK_EVENT_NOTE
    WARNING = _c.INK_EVENT_WARNING
    PROGRESS = _c.INK_EVENT_PROGRESS
    EVAL = _c.INK_EVENT_EVAL
    SAMPLE = _c.INK_EVENT_SAMPLE


@dataclass(frozen=True)
class Event:
    """News of a running call; `ink_event` in inkstone.h describes the members."""

    kind: EventKind
    stage: str  #: PROGRESS: "training", "evaluating", ...
    text: str  #: NOTE, WARNING, SAMPLE
    done: int  #: PROGRESS: of this stage, in units; EVAL: the step
    total: int  #: 0: unknown
    unit: str
    loss: float  #: nats per token, smoothed; 0: none yet
    valid_loss: float  #: the last held-out loss; 0: none yet
    metric: Optional[str]  #: EVAL: what selects the best model; None: the loss
    metric_value: float
    best: bool  #: EVAL: the best evaluation so far
    learning_rate: float
    tokens_per_second: float
    peak_share: float
    seconds: float
    seconds_left: float
    memory: int


Listener = Callable[[Event], object]


class Stop:
    """Stops the calls that it is passed to at their next safe point: they raise InterruptedCall. Any thread may request it."""

    def __init__(self) -> None:
        self._stop = _c.ink_stop(0)

    def request(self) -> None:
        lib.ink_stop_request(ctypes.byref(self._stop))

    def clear(self) -> None:
        """Until it is cleared, later calls stop at once."""
        lib.ink_stop_clear(ctypes.byref(self._stop))

    @property
    def requested(self) -> bool:
        return bool(lib.ink_stop_requested(ctypes.byref(self._stop)))


class Engine(Handle):
    """Worker threads and limits for calls. Calls that name no engine share one of the process."""

    def __init__(self, threads: int = 0, memory: int = 0) -> None:
        """`threads`: at most per call, 0: as many as there are processors. `memory`: most bytes that the library holds, 0: no limit."""
        err = _c.ink_error()
        options = _c.ink_engine_options(ctypes.sizeof(_c.ink_engine_options), threads, memory)
        address = lib.ink_engine_open(ctypes.byref(options), ctypes.byref(err))
        super().__init__(address or fail(err), lib.ink_engine_close)


@dataclass
class Call:
    """How a call runs. Without one: on the shared engine, without a listener, stopped by Ctrl-C only."""

    on_event: Optional[Listener] = None  #: called on the thread that made the call
    stop: Optional[Stop] = None
    engine: Optional[Engine] = None
    texts: Mapping[str, Union[str, bytes]] = field(default_factory=dict)  #: read instead of files with these names


def encoded(text: Union[str, bytes]) -> bytes:
    """The UTF-8 bytes of a text. Lone surrogates stand for bytes that are no UTF-8 (os.fsdecode)."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decoded(address: Any, length: Optional[int] = None) -> str:
    """The text at an address; with a length it may contain NUL. Bytes that are not UTF-8 become U+FFFD."""
    return (ctypes.string_at(address) if length is None else ctypes.string_at(address, length)).decode("utf-8", "replace")


def word(text: str) -> bytes:
    """A text that the library takes without a length: it cannot hold NUL."""
    return _without_nul(encoded(text))


def name_of(path: Path) -> bytes:
    return _without_nul(os.fsencode(path))


def _without_nul(text: bytes) -> bytes:
    if b"\0" in text:
        raise ValueError(f"{text!r} holds a NUL byte")
    return text


def text_of(value: Optional[bytes]) -> str:
    return value.decode("utf-8", "replace") if value else ""


def taken(address: Any, length: Optional[int] = None) -> bytes:
    """The bytes of a result that the caller frees."""
    try:
        return ctypes.string_at(address) if length is None else ctypes.string_at(address, length)
    finally:
        lib.ink_free(address)


def _event_of(e: Any) -> Event:
    return Event(EventKind(e.kind), text_of(e.stage), text_of(e.text), e.done, e.total, text_of(e.unit), e.loss, e.valid_loss,
                 text_of(e.metric) or None, e.metric_value, e.best, e.learning_rate, e.tokens_per_second, e.peak_share, e.seconds,
                 e.seconds_left, e.memory)


_running = threading.local()  # .passage: the innermost call of this thread


class Passage:
    """One call of the library: the error it fills, the ink_call it is given, and what its listeners raised.

    An exception cannot pass through the library. What a listener raises is kept, the call is stopped, and it is raised at the end.
    """

    def __init__(self, call: Optional[Call] = None) -> None:
        outer: Optional[Passage] = getattr(_running, "passage", None)
        self.err = _c.ink_error()
        self.raised: Optional[BaseException] = None
        self._how = call or Call()
        self._stop: Stop = self._how.stop or (outer._stop if outer else Stop())  # what stops a call stops those of its listeners
        self._lock = threading.RLock()
        self._halted = self._over = False
        self._listener = _c.ink_listener(self._hear)  # referred to here, as are the texts: the library keeps addresses only
        self._texts = [(word(name), encoded(text)) for name, text in self._how.texts.items()]
        self._array = (_c.ink_text * len(self._texts))(*(
            _c.ink_text(name, ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len(text)) for name, text in self._texts))
        self._call = _c.ink_call(ctypes.sizeof(_c.ink_call), None, ctypes.pointer(self._stop._stop), self._listener, None,
                                 self._array if self._texts else None, len(self._texts))

    def invoke(self, function: Any, *arguments: Any) -> Any:
        """Calls a function whose last arguments are an ink_call and an ink_error."""
        engine, outer = self._how.engine, getattr(_running, "passage", None)
        _running.passage = self
        try:
            with engine._pin() if engine else nullcontext() as address, deferred(self._halt):
                self._call.engine = address
                result = function(*arguments, ctypes.byref(self._call), ctypes.byref(self.err))
        finally:
            _running.passage = outer
            self._end()
        if self.raised is not None:
            raise self.raised
        return result

    def run(self, function: Callable[..., Any], *arguments: Any) -> bool:
        """Runs what a listener does. False if it raised: the call stops then."""
        if self.raised is None:
            try:
                function(*arguments)
            except BaseException as problem:
                self.raised = problem
                self._halt()
        return self.raised is None

    def _halt(self) -> None:
        with self._lock:
            if not self._over and not self._stop.requested:
                self._halted = True
                self._stop.request()

    def _end(self) -> None:
        """A Stop that was requested here only is as it was before."""
        with self._lock:
            self._over = True
            if self._halted:
                self._stop.clear()

    def _hear(self, user: Any, event: Any) -> None:
        if self._how.on_event:
            self.run(self._how.on_event, _event_of(event.contents))


def collector(kind: Any, passage: Passage, read: Callable[[Any], Item], heard: Optional[Callable[[Item], object]]) -> Tuple[List[Item], Any]:
    """A list, and the listener that fills it and tells `heard`, which stops the call by returning False."""
    items: List[Item] = []

    def keep(item: Any) -> None:
        items.append(read(item.contents))
        answers.append(heard(items[-1]) if heard else None)

    answers: List[object] = []
    return items, kind(lambda user, item: passage.run(keep, item) and answers[-1] is not False)


def invoke(call: Optional[Call], function: Any, *arguments: Any) -> Any:
    """Calls a function of the library whose last arguments are an ink_call and an ink_error; raises its error."""
    passage = Passage(call)
    return passage.invoke(function, *arguments) or fail(passage.err)


def ask(function: Any, *arguments: Any) -> Any:
    """Calls a function of the library whose last argument is an ink_error; raises its error."""
    err = _c.ink_error()
    return function(*arguments, ctypes.byref(err)) or fail(err)
