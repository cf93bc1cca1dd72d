"""Models: writing, translating, summarizing, replying, and measuring how well they do."""
from __future__ import annotations

import ctypes
import json
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from . import _c
from ._arrays import Turn, names_of, texts_of, turns_of
from ._call import Call, Passage, Path, ask, collector, encoded, invoke, name_of, taken, word
from ._errors import fail
from ._handle import Handle
from ._library import lib
from ._queue import Queue
from ._results import (COMPARISON, SCORES, Comparison, Label, Output, Rewritten, Scores, Token, Written, joined, label_of, numbers_of,
                       output_of, rewritten_of, scores_of, token_of, written_of)
from ._session import Session
from ._settings import Settings, Value, settings_for
from ._tokenizer import Tokenizer

TokenListener = Callable[[Token], object]
OutputListener = Callable[[Output], object]
LabelListener = Callable[[Label], object]


class Model(Handle):
    """A model: a directory, a file (GGUF, llama2.c), or the name of a downloaded one. Calls take settings as arguments, by the names
    that the command line has: `model.write("The moon", temperature=0.8, max_tokens=100)`.

    A listener that returns False (not None) stops the call without an error; if it raises, the call raises that.
    """

    def __init__(self, model: Path, *, adapters: Sequence[Path] = (), call: Optional[Call] = None) -> None:
        """`adapters`: their directories, or "DIR:WEIGHT" for WEIGHT times their change."""
        engine = call.engine if call else None
        names, count = names_of(adapters)
        if count:
            address = invoke(call, lib.ink_model_open_adapted, name_of(model), names, count)
        else:
            address = invoke(call, lib.ink_model_open, name_of(model))
        super().__init__(address, lib.ink_model_close, engine)

    def describe(self) -> Any:
        """Architecture, sizes, parameters, vocabulary and training."""
        with self._use() as address:
            return json.loads(taken(ask(lib.ink_model_describe, address)))

    def defaults(self, settings: Settings) -> None:
        """Sets the settings that were not given explicitly to the model's defaults. Calls of the model do this themselves."""
        with self._use() as address, settings._use() as options:
            ask(lib.ink_model_defaults, address, options)

    def retype(self, type: str, *, call: Optional[Call] = None) -> None:
        """Rounds the matrices to another number format, in memory only: "q8_0" for products of integers."""
        with self._use() as address:
            invoke(call, lib.ink_model_retype, address, word(type))

    def cache(self, type: str) -> None:
        """The number format that keys and values are kept in from now on: "f32", "f16", "q8_0"."""
        with self._use() as address:
            ask(lib.ink_model_cache, address, word(type))

    def tokenizer(self, source: bool = False) -> Tokenizer:
        """The model's tokenizer. `source`: that of the source, if source and target have one each."""
        with self._use() as address:
            return Tokenizer._of_model(lib.ink_model_tokenizer(address, source), self)

    @property
    def begin(self) -> Optional[int]:
        """The token that texts of the model begin with, to be read before a prompt."""
        with self._use() as address:
            token = int(lib.ink_model_begin(address))
        return None if token < 0 else token

    def ends(self, id: int) -> bool:
        """Whether texts of the model end with this token."""
        with self._use() as address:
            return bool(lib.ink_model_ends(address, id))

    def session(self, positions: int = 0) -> Session:
        """The model token by token. `positions`: most tokens; 0: the model's."""
        return Session(self, positions)

    def queue(self, *, call: Optional[Call] = None) -> Queue:
        """Many prompts at once."""
        return Queue(self, call)

    # ---- generating ----

    def write(self, prompt: str = "", *, on_token: Optional[TokenListener] = None, settings: Optional[Settings] = None,
              call: Optional[Call] = None, **values: Value) -> Written:
        """Continues a prompt; str() of the result is the (first) continuation."""
        passage, data = Passage(call), encoded(prompt)
        tokens, listener = collector(_c.ink_token_listener, passage, token_of, on_token)
        written = _c.ink_written(ctypes.sizeof(_c.ink_written))
        with self._use() as address, settings_for("write", settings, values)._use() as options:
            passage.invoke(lib.ink_write, address, data, len(data), options, listener, None, ctypes.byref(written)) or fail(passage.err)
        return written_of(written, joined(tokens))

    def stream(self, prompt: str = "", *, settings: Optional[Settings] = None, call: Optional[Call] = None,
               **values: Value) -> Iterator[Token]:
        """The tokens of a continuation while they are generated. The one who stops iterating stops the generation."""
        with self.queue(call=call) as queue:
            yield from queue.submit(prompt, settings=settings, **values)

    def translate(self, texts: Union[str, Sequence[str]], **options: Any) -> Rewritten:
        """Translates a text or several; takes what `rewrite` takes."""
        return self.rewrite("translate", texts, **options)

    def summarize(self, texts: Union[str, Sequence[str]], **options: Any) -> Rewritten:
        """Summarizes a text or several; takes what `rewrite` takes."""
        return self.rewrite("summarize", texts, **options)

    def rewrite(self, task: str, texts: Union[str, Sequence[str]], *, on_output: Optional[OutputListener] = None,
                settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> Rewritten:
        """Applies a model of the task "translate", "summarize" or "reply" to a text or several."""
        return self._outputs(lib.ink_rewrite, (word(task), *texts_of(texts)), on_output, settings, call, values)

    def reply(self, turns: Union[str, Sequence[Turn]], *, on_output: Optional[OutputListener] = None,
              settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> Rewritten:
        """The assistant's next turn. `turns`: pairs of a role ("system", "user", "assistant") and a text, or what the user says."""
        return self._outputs(lib.ink_reply, turns_of(turns), on_output, settings, call, values)

    def _outputs(self, function: Any, inputs: Tuple[Any, ...], on_output: Optional[OutputListener], settings: Optional[Settings],
                 call: Optional[Call], values: Dict[str, Value]) -> Rewritten:
        passage = Passage(call)
        outputs, listener = collector(_c.ink_output_listener, passage, output_of, on_output)
        done = _c.ink_rewritten(ctypes.sizeof(_c.ink_rewritten))
        with self._use() as address, settings_for("rewrite", settings, values)._use() as options:
            passage.invoke(function, address, *inputs, options, listener, None, ctypes.byref(done)) or fail(passage.err)
        return rewritten_of(done, outputs)

    def explain(self, task: str, texts: Union[str, Sequence[str]], *, settings: Optional[Settings] = None, call: Optional[Call] = None,
                **values: Value) -> str:
        """An HTML page on the outputs for these texts: attention, and alternative words with their probabilities."""
        with self._use() as address, settings_for("rewrite", settings, values)._use() as options:
            return taken(invoke(call, lib.ink_explain, address, word(task), *texts_of(texts), options)).decode()

    def explain_text(self, prompt: str, form: str = "html", *, settings: Optional[Settings] = None, call: Optional[Call] = None,
                     **values: Value) -> str:
        """How the model continues a prompt: for each token its probability, others, attention, predictions of the layers.

        `form`: "html", a page, or "json", the numbers.
        """
        data = encoded(prompt)
        with self._use() as address, settings_for("explain", settings, values)._use() as options:
            return taken(invoke(call, lib.ink_explain_text, address, data, len(data), word(form), options, None)).decode()

    def classify(self, texts: Union[str, Sequence[str]], *, on_label: Optional[LabelListener] = None,
                 settings: Optional[Settings] = None, call: Optional[Call] = None, **values: Value) -> List[Label]:
        """Labels a text or several: the likeliest labels of each, `n_best` of them (0: all)."""
        passage = Passage(call)
        labels, listener = collector(_c.ink_label_listener, passage, label_of, on_label)
        with self._use() as address, settings_for("classify", settings, values)._use() as options:
            passage.invoke(lib.ink_classify, address, *texts_of(texts), options, listener, None) or fail(passage.err)
        return labels

    # ---- measuring ----

    def evaluate(self, files: Union[Path, Sequence[Path]], *, settings: Optional[Settings] = None, call: Optional[Call] = None,
                 **values: Value) -> Scores:
        """How well the model predicts the text of files."""
        scores = _c.ink_scores(ctypes.sizeof(SCORES))
        with self._use() as address, settings_for("eval", settings, values)._use() as options:
            invoke(call, lib.ink_eval, address, *names_of(files), options, ctypes.byref(scores))
        return scores_of(scores)

    def compare(self, reference: Model, files: Union[Path, Sequence[Path]], *, settings: Optional[Settings] = None,
                call: Optional[Call] = None, **values: Value) -> Comparison:
        """How far the model's predictions are from the reference's: what a quantization costs."""
        comparison = _c.ink_comparison(ctypes.sizeof(COMPARISON))
        with self._use() as address, reference._use() as other, settings_for("eval", settings, values)._use() as options:
            invoke(call, lib.ink_eval_against, address, other, *names_of(files), options, ctypes.byref(comparison))
        return Comparison(**numbers_of(comparison))
