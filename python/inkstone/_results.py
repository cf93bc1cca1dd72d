"""What calls return, member by member as inkstone.h describes it."""
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from . import _c
from ._call import decoded, taken, text_of


@dataclass(frozen=True)
class Token:
    """One generated token. `text` holds whole characters only, so that it may be empty."""

    sample: int  #: index of the text, if several are generated
    id: int  #: -1: the end of a text, with its remaining bytes
    logprob: float  #: natural logarithm of the model's probability, before temperature and filters
    text: str
    end: Optional[str] = None  #: of an id of -1, why the text ended: "token" (the model ended it), "stop" (the setting) or "length"
    alternatives: Tuple[Tuple[int, float], ...] = ()  #: with the setting "alternatives": ids and log-probabilities, likeliest first

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Written:
    """Continuations of a prompt."""

    texts: List[str]  #: one for each of the setting "samples"
    prompt_tokens: int
    new_tokens: int
    dropped_prompt_tokens: int  #: cut from the front: the context is shorter
    shifts: int  #: times the context was full and its second half was recomputed
    special_token: Optional[str]  #: the first special token written out in the prompt, which was read as ordinary text
    prompt_seconds: float
    new_seconds: float
    unmatched: int  #: texts that end before they are what a constraint ("json_schema", ...) asks for
    stuck: int  #: of those, texts that no token of the model could go on with

    def __str__(self) -> str:
        return self.texts[0]


@dataclass(frozen=True)
class Output:
    """An output for one input: a translation, a summary, a reply."""

    input: int  #: index of the input
    rank: int  #: 0: the best
    text: str
    logprob: float
    score: float  #: what the search ranks by
    problem: Optional[str]  #: why there is no output for this input
    cut: bool  #: the last turn is longer than the model reads: its beginning was dropped
    unended: bool  #: it reached the limit, or the model's last position, before its end
    check: Optional[List[dict[str, Optional[str]]]] = None  #: with check=True: what it lacks, changed or invented
    confidence: float = 1.0  #: geometric mean of the probabilities of its tokens
    unsure: bool = False  #: below the setting "confidence": the text is the setting "unsure"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Label:
    """A label of a text."""

    input: int  #: index of the text
    rank: int  #: 0: the likeliest
    label: str
    probability: float  #: of the labels chosen from, which together have 1
    problem: Optional[str]  #: why the text has no label

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Rewritten:
    """The outputs for some inputs, in the order of these, best first."""

    outputs: List[Output]
    split_texts: int
    cut_sentences: int
    dropped_turns: int
    spelled_specials: int
    unknown_inputs: int
    unended_outputs: int
    new_tokens: int
    seconds: float
    special_token: Optional[str]

    @property
    def texts(self) -> List[str]:
        """The best output of each input, "" if there is none: `outputs[i].problem` says why."""
        return [output.text for output in self.outputs if output.rank == 0]

    def __str__(self) -> str:
        return "\n".join(self.texts)


@dataclass(frozen=True)
class Scores:
    """How well a model predicts a text."""

    tokens: int
    bytes: int
    characters: int
    documents: int
    nats: float  #: sum of -ln p over all scored tokens
    perplexity: float
    bits_per_byte: float
    bits_per_character: float
    written: Optional[Any]  #: pairs and conversations: metrics of the model's outputs


@dataclass(frozen=True)
class Comparison:
    """How far a model's predictions are from those of the reference, in nats of KL divergence per token."""

    tokens: int
    bytes: int
    characters: int
    documents: int
    perplexity: float
    reference_perplexity: float
    divergence_mean: float
    divergence_median: float
    divergence_99: float
    divergence_max: float
    agreement: float  #: share of the tokens for which both models' first choice is the same


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote."""

    parameters: int
    source_bytes: int
    bytes: int
    source_types: str  #: as in "f32 (61 tensors), q4_0 (210)"
    types: str


def numbers_of(struct: Any, *without: str) -> dict[str, Any]:
    """The members of a struct whose names and types are those of the dataclass."""
    return {name: getattr(struct, name) for name, *_ in struct._fields_ if name not in ("size", *without)}


ENDS = (None, "token", "stop", "length")


def token_of(token: Any) -> Token:
    others = tuple((a.id, a.logprob) for a in token.alternatives[:token.alternative_count]) if token.alternative_count else ()
    return Token(token.sample, token.id, token.logprob, decoded(token.text, token.length), ENDS[token.end], others)


def output_of(o: Any) -> Output:
    text = decoded(o.text, o.length) if o.text else ""
    return Output(o.input, o.rank, text, o.logprob, o.score, text_of(o.problem) or None, o.cut, o.unended,
                  json.loads(o.check) if o.check else None, o.confidence, o.unsure)


def label_of(l: Any) -> Label:
    return Label(l.input, l.rank, text_of(l.label), l.probability, text_of(l.problem) or None)


def written_of(written: Any, texts: List[str]) -> Written:
    return Written(texts=texts or [""], special_token=text_of(written.special_token) or None, **numbers_of(written, "special_token"))


def rewritten_of(done: Any, outputs: List[Output]) -> Rewritten:
    return Rewritten(outputs=outputs, special_token=text_of(done.special_token) or None, **numbers_of(done, "special_token"))


def scores_of(scores: Any) -> Scores:
    return Scores(written=json.loads(taken(scores.written)) if scores.written else None, **numbers_of(scores, "written"))


def converted_of(done: Any) -> Converted:
    return Converted(source_types=taken(done.source_types).decode(), types=taken(done.types).decode(),
                     **numbers_of(done, "source_types", "types"))


def joined(tokens: List[Token]) -> List[str]:
    """The texts of tokens, by sample."""
    texts = [""] * (max((token.sample for token in tokens), default=-1) + 1)
    parts: List[List[str]] = [[] for _ in texts]
    for token in tokens:
        parts[token.sample].append(token.text)
    return ["".join(part) for part in parts]


SCORES, COMPARISON, CONVERTED = _c.ink_scores, _c.ink_comparison, _c.ink_converted
