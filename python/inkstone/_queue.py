"""Many requests at once, and streams of tokens."""
from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, Iterator, List, Optional, Sequence, Union

from . import _c
from ._arrays import Turn, turns_of
from ._call import Call, Passage, ask, encoded
from ._errors import Error, InterruptedCall, error_of, fail
from ._handle import Handle
from ._library import lib
from ._results import Token, Written, joined, token_of, written_of
from ._settings import Settings, Value, settings_for


class Request:
    """A prompt that a queue continues. Iterating over it gives its tokens, advancing the whole queue while there are none."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._waiting: Deque[Token] = deque()
        self._tokens: List[Token] = []
        self._token_listener = _c.ink_token_listener(self._take)  # referred to here: the library keeps addresses only
        self._end_listener = _c.ink_end_listener(self._end)
        self._cancelled = False
        self.number = 0
        self.ended = False
        self.error: Optional[Error] = None  #: why it did not finish; InterruptedCall: it was cancelled
        self.written: Optional[Written] = None  #: the result, once it has ended

    def _take(self, user: Any, token: Any) -> bool:
        self._queue._run(self._keep, token)
        return not self._cancelled

    def _keep(self, token: Any) -> None:
        found = token_of(token.contents)
        self._waiting.append(found)
        self._tokens.append(found)

    def _end(self, user: Any, written: Any, why: Any) -> None:
        self._queue._run(self._finish, written, why)

    def _finish(self, written: Any, why: Any) -> None:
        self.ended = True
        self.written = written_of(written.contents, joined(self._tokens)) if written else None
        self.error = error_of(why.contents) if why else InterruptedCall("the request was cancelled") if self._cancelled else None
        self._queue._requests.pop(self.number, None)

    def cancel(self) -> None:
        """Ends the request. Does nothing if it has ended already."""
        if not self.ended and not self._queue.closed:
            self._cancelled = True
            self._queue._cancel(self)

    def __iter__(self) -> Iterator[Token]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self.ended:
                break
            self._queue.step()
        if self.error and not self._cancelled:
            raise self.error


class Queue(Handle):
    """Continuous batching: requests may be submitted at any time, and each step advances all texts by one token. Use `model.queue()`."""

    def __init__(self, model: Handle, call: Optional[Call] = None) -> None:
        self._call = call
        self._requests: Dict[int, Request] = {}
        self._passage: Optional[Passage] = None
        self._opened = passage = Passage(call)  # kept, as the library may keep its address
        with model._use() as address:
            super().__init__(passage.invoke(lib.ink_queue_open, address) or fail(passage.err), lib.ink_queue_close, model)

    def submit(self, prompt: str, *, settings: Optional[Settings] = None, **values: Value) -> Request:
        """Submits a prompt, to be continued as by `Model.write`."""
        request, data = Request(self), encoded(prompt)
        with self._use() as address, settings_for("write", settings, values)._use() as options:
            request.number = ask(lib.ink_queue_write, address, data, len(data), options, request._token_listener, request._end_listener,
                                 None)
            self._requests[request.number] = request
        return request

    def reply(self, turns: Union[str, Sequence[Turn]], *, settings: Optional[Settings] = None, **values: Value) -> Request:
        """Submits a conversation, for the assistant's next turn. It must fit into the context as a whole."""
        request = Request(self)
        with self._use() as address, settings_for("write", settings, values)._use() as options:
            request.number = ask(lib.ink_queue_reply, address, *turns_of(turns), options, request._token_listener, request._end_listener, None)
            self._requests[request.number] = request
        return request

    def step(self) -> None:
        """Reads waiting prompts and advances every text by one token."""
        with self._use() as address:
            self._passage = passage = Passage(self._call)
            try:
                passage.invoke(lib.ink_queue_step, address) or fail(passage.err)
            finally:
                self._passage = None

    def _run(self, function: Any, *arguments: Any) -> None:
        """Runs what a listener does, in a step or, of a request that is cancelled, outside of one."""
        if self._passage:
            self._passage.run(function, *arguments)
        else:
            function(*arguments)

    def _cancel(self, request: Request) -> None:
        if self._passage is None:  # in a step, the request's listener answers that it stops
            with self._use() as address:
                lib.ink_queue_cancel(address, request.number)

    @property
    def unfinished(self) -> int:
        """The number of requests that have not ended."""
        with self._use() as address:
            return int(lib.ink_queue_unfinished(address))
