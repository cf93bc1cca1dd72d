"""The Python package as its users meet it."""
import array
import gc
import json
import math
import os
import subprocess
import sys
import threading
import time

import pytest

import inkstone
from conftest import NANO, text_of


# ---- settings ----


def test_settings():
    settings = inkstone.Settings("write", temperature=1, top_p=0.5, greedy=True, stop=["END", "FIN"])
    assert settings["temperature"] == 1.0 and settings["top-p"] == 0.5 and settings["greedy"] is True
    assert "END" in settings["stop"] and "FIN" in settings["stop"]
    with pytest.raises(KeyError):
        settings["nonsense"]
    infos = {info.name: info for info in settings.describe()}
    assert infos["greedy"].is_switch and infos["stop"].repeats and infos["temperature"].help


def test_errors_say_what_is_wrong():
    with pytest.raises(inkstone.UsageError, match="temperature"):
        inkstone.Settings("write", temprature=1.0)
    with pytest.raises(ValueError):
        inkstone.Settings("write", temperature=-1.0)
    with pytest.raises(inkstone.UsageError, match="activities"):
        inkstone.Settings("nonsense")
    with pytest.raises(ValueError, match="NUL"):
        inkstone.Settings("write", stop="a\0b")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        inkstone.Model("nowhere")
    with pytest.raises(TypeError, match="not both"):
        inkstone.train("write", [], "out", settings=inkstone.Settings("train"), steps=3)


def test_language():
    inkstone.set_language("zh")
    try:
        with pytest.raises(inkstone.NotFoundError, match="[\u4e00-\u9fff]"):
            inkstone.Model("nowhere")
    finally:
        inkstone.set_language("en")


def test_version():
    assert inkstone.__version__ == inkstone.version()
    major, minor, patch = map(int, inkstone.version().split("."))
    assert inkstone.version_number() == 10000 * major + 100 * minor + patch
    assert inkstone.instruction_set()


# ---- training ----


def test_training_reports_and_reads_texts_in_memory(tmp_path):
    events = []
    call = inkstone.Call(on_event=events.append, texts={"memory.txt": text_of(100)})
    inkstone.train("write", "memory.txt", tmp_path / "model", call=call, **NANO)
    steps = [e for e in events if e.kind == inkstone.EventKind.PROGRESS and e.stage == "training"]
    assert steps[-1].done == steps[-1].total == 8 and steps[-1].loss > 0
    assert any(e.kind == inkstone.EventKind.EVAL and e.valid_loss > 0 for e in events)
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_an_exception_of_a_listener_stops_training(poems, tmp_path):
    class Enough(Exception):
        pass

    def stop(event):
        if event.stage == "training" and event.done >= 2:
            raise Enough

    stopper = inkstone.Stop()
    with pytest.raises(Enough):
        inkstone.train("write", poems, tmp_path / "model", call=inkstone.Call(on_event=stop, stop=stopper), **{**NANO, "steps": 100000})
    assert not stopper.requested
    inkstone.train("write", [], tmp_path / "model", resume=True, steps=4)  # of its checkpoint


def test_a_stop_from_another_thread(poems, tmp_path):
    stop = inkstone.Stop()
    begun = threading.Event()
    threading.Thread(target=lambda: (begun.wait(), stop.request())).start()
    with pytest.raises(inkstone.InterruptedCall):
        inkstone.train("write", poems, tmp_path / "model", call=inkstone.Call(on_event=lambda e: begun.set(), stop=stop),
                       **{**NANO, "steps": 1000000})
    assert stop.requested
    stop.clear()
    assert not stop.requested


INTERRUPTED = """
import os, signal, sys, threading
import inkstone
begun = threading.Event()
threading.Thread(target=lambda: (begun.wait(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
print(inkstone.check_text(b"and again", "it"))
"""


@pytest.mark.parametrize("call", [
    'inkstone.train("write", [sys.argv[1]], sys.argv[2], steps=100000000, size="nano", tokenizer="byte", context=32, sample_tokens=0,'
    ' call=inkstone.Call(on_event=lambda e: begun.set()))',
    'model = inkstone.Model(sys.argv[3])\n    while True: model.write("The", on_token=lambda t: begun.set())',
    'model = inkstone.Model(sys.argv[3])\n    while True: [begun.set() for token in model.stream("The")]',
    'session = inkstone.Model(sys.argv[3]).session(); begun.set()\n    while True: session.feed([65] * 16); session.rewind()',
])
def test_keyboard_interrupt(call, poems, model_path, tmp_path):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED.format(call=call), poems, tmp_path / "out", model_path],
                          capture_output=True, text=True, timeout=600)
    assert done.stdout == "interrupted\nand again\n" and done.stderr == ""


def test_an_interrupt_wakes_a_call_without_listeners(tmp_path):
    """The confidence interval would take an hour and reports nothing meanwhile."""
    (tmp_path / "text").write_text(text_of(1000) * 20)
    code = INTERRUPTED.replace("begun.wait(), ", "begun.wait(), time.sleep(3), ").replace("import os,", "import os, time,").format(
        call='inkstone.score(sys.argv[1], sys.argv[1], confidence=True, confidence_n=1000000,'
             ' call=inkstone.Call(on_event=lambda e: begun.set()))')
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "text"], capture_output=True, text=True, timeout=600)
    assert done.stdout == "interrupted\nand again\n" and done.stderr == ""


def test_a_stop_ends_the_resampling_of_scores():
    stop, texts = inkstone.Stop(), {"text": text_of(1000) * 2}  # measured before the stop, by the only metric
    begun = threading.Event()
    threading.Thread(target=lambda: (begun.wait(), time.sleep(3), stop.request())).start()
    with pytest.raises(inkstone.InterruptedCall):
        inkstone.score("text", "text", metric="bleu", confidence=True, confidence_n=1000000,
                       call=inkstone.Call(stop=stop, texts=texts, on_event=lambda e: begun.set()))


# ---- writing ----


def test_write(model):
    first = model.write("The moon", max_tokens=20, seed=7)
    assert 0 < first.new_tokens <= 20 and first.prompt_tokens > 0 and len(first.texts) == 1 and str(first) == first.texts[0]
    assert model.write("The moon", max_tokens=20, seed=7).texts == first.texts
    several = model.write("The moon", max_tokens=5, samples=3)
    assert len(several.texts) == 3


def test_streaming_gives_the_same(model):
    tokens = []
    written = model.write("The moon", max_tokens=20, seed=7, on_token=tokens.append)
    assert "".join(map(str, tokens)) == str(written)
    assert list(model.stream("The moon", max_tokens=20, seed=7)) == tokens
    assert all(token.logprob <= 0 for token in tokens)


def test_a_listener_ends_the_text(model):
    tokens = []
    model.write("The", max_tokens=50, on_token=lambda token: tokens.append(token) or len(tokens) < 3)
    assert 3 <= len([t for t in tokens if t.id >= 0]) <= 4


def test_explain_text(model):
    assert "<html" in model.explain_text("The", tokens=3).lower()
    assert json.loads(model.explain_text("The", "json", tokens=3))
    with pytest.raises(inkstone.UsageError, match="pdf"):
        model.explain_text("The", "pdf")


def test_an_abandoned_stream_closes(model):
    for token in model.stream("The", max_tokens=1000000):
        break
    gc.collect()
    assert model.write("The", max_tokens=1).new_tokens == 1


def test_texts_may_hold_any_character(model):
    assert model.write("a\0b 月\U0001f319", max_tokens=3).prompt_tokens >= 9


def test_a_closed_model(model_path):
    model = inkstone.Model(model_path)
    session, queue, tokenizer = model.session(), model.queue(), model.tokenizer()
    model.close()
    model.close()
    for use in (lambda: model.write("x"), lambda: session.feed([1]), queue.step, lambda: tokenizer.encode("x")):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_a_listener_cannot_close_what_it_is_called_for(model):
    with pytest.raises(RuntimeError, match="in use"):
        model.write("The", max_tokens=5, on_token=lambda token: model.close())
    assert not model.closed


def test_a_call_inside_a_listener(model):
    inner = []
    model.write("The", max_tokens=2, on_token=lambda token: inner.append(model.write("The", max_tokens=2, seed=1).texts))
    assert inner and inner[0] == inner[-1]


def test_engines_and_threads(model_path):
    with inkstone.Engine(threads=1) as engine:
        model = inkstone.Model(model_path, call=inkstone.Call(engine=engine))
        texts = []
        threads = [threading.Thread(target=lambda: texts.append(model.write("The", max_tokens=10, seed=3).texts)) for _ in range(4)]
        [t.start() for t in threads], [t.join() for t in threads]
        assert len(texts) == 4 and all(text == texts[0] for text in texts)


# ---- queues, sessions, tokenizers ----


def test_queue(model):
    alone = [model.write(prompt, max_tokens=8, seed=1).texts for prompt in ("The", "A bird")]
    with model.queue() as queue:
        requests = [queue.submit(prompt, max_tokens=8, seed=1) for prompt in ("The", "A bird")]
        assert queue.unfinished == 2
        "".join(map(str, requests[1]))
        while queue.unfinished:
            queue.step()
        assert [request.written.texts for request in requests] == alone and not any(request.error for request in requests)
        last = list(queue.submit("The", max_tokens=3, alternatives=2, greedy=True))
        assert [token.end for token in last] == [None] * 3 + ["length"] and all(len(token.alternatives) == 2 for token in last[:3])
        assert [token.alternatives[0][0] for token in last[:3]] == [token.id for token in last[:3]]
        endless = queue.submit("The", max_tokens=1000000)
        next(iter(endless))
        endless.cancel()
        assert endless.ended and isinstance(endless.error, inkstone.InterruptedCall) and queue.unfinished == 0


def test_session(model):
    tokenizer = model.tokenizer()
    ids = tokenizer.encode("The moon")
    with model.session() as session:
        logits = session.feed(ids)
        assert isinstance(logits, array.array) and len(logits) == session.vocabulary == len(tokenizer)
        assert session.position == len(ids) and session.positions > 0
        saved = session.save()
        session.rewind()
        assert session.position == 0
        assert session.restore(saved) == logits
        best = max(range(len(logits)), key=logits.__getitem__)
    assert model.begin is None or 0 <= model.begin < len(tokenizer)
    assert any(model.ends(id) for id in range(len(tokenizer))) and not model.ends(ids[0])
    assert next(iter(model.stream("The moon", greedy=True, max_tokens=1))).id == best


def test_numpy_is_optional(model):
    numpy = pytest.importorskip("numpy")
    session = model.session()
    logits = numpy.asarray(session.feed(numpy.array([84, 104], dtype=numpy.int32)))
    assert logits.dtype == numpy.float32 and numpy.isfinite(logits).all()


def test_tokenizers(poems, tmp_path):
    inkstone.train_tokenizer(poems, tmp_path / "tokenizer.json", vocab=300)
    with inkstone.Tokenizer(tmp_path / "tokenizer.json") as tokenizer:
        ids = tokenizer.encode("The moon sings. 月")
        assert tokenizer.decode(ids) == "The moon sings. 月" and max(ids) < len(tokenizer) and tokenizer.encode("") == []
        with pytest.raises(inkstone.Error, match="999999"):
            tokenizer.decode([999999])
        assert tokenizer.remark is None


# ---- translating, replying, measuring ----


def test_translate(translator_path):
    with inkstone.Model(translator_path) as model:
        heard = []
        done = model.translate(["the moon", "", "a bird"], beam=2, max_tokens=8, on_output=heard.append)
        assert len(done.texts) == 3 and done.texts[1] == "" and heard == done.outputs and done.new_tokens > 0
        checked = model.translate(["the moon", "7 moons"], beam=1, max_tokens=4, check=True).outputs
        assert [o.check and o.check[0]["source"] for o in checked] == [[], "7"] and done.outputs[0].check is None
        assert "<html" in model.explain("translate", "the moon", beam=1, max_tokens=4).lower()
        with pytest.raises(inkstone.UsageError):
            model.summarize("the moon")
        with model.session() as session:
            session.source(model.tokenizer(source=True).encode("the moon"))
            assert math.isfinite(session.feed([1])[0])


def test_reply(tmp_path):
    lines = text_of(200).splitlines()
    (tmp_path / "talks.jsonl").write_text("".join(
        json.dumps({"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]}) + "\n"
        for a, b in zip(lines[::2], lines[1::2])))
    inkstone.train("reply", tmp_path / "talks.jsonl", tmp_path / "model", **{**NANO, "context": 256})
    with inkstone.Model(tmp_path / "model") as model:
        done = model.reply([("user", "the moon"), ("assistant", "sings"), ("user", "a bird")], max_tokens=5)
        assert len(done.outputs) == 1 and done.outputs[0].problem is None
        assert len(model.reply("the moon", max_tokens=5).texts) == 1
        with model.queue() as queue:
            request = queue.reply([("user", "the moon"), ("assistant", "sings"), ("user", "a bird")], max_tokens=5)
            assert "".join(map(str, request)) == request.written.texts[0]
            with pytest.raises(inkstone.Error, match="conversation"):
                queue.reply("the moon " * 500)


def test_evaluate_and_convert(model, model_path, poems, tmp_path):
    scores = model.evaluate(poems)
    assert scores.tokens > 0 and math.isclose(scores.perplexity, math.exp(scores.nats / scores.tokens), rel_tol=1e-9)
    done = inkstone.convert(model_path, tmp_path / "half", type="bf16")
    assert done.bytes * 2 == done.source_bytes and "bf16" in done.types
    with inkstone.Model(tmp_path / "half") as half:
        comparison = half.compare(model, poems)
        assert comparison.tokens == scores.tokens and 0 <= comparison.divergence_mean < 0.1
    assert model.describe()["parameters"] == done.parameters
    model.cache("f16")
    model.retype("bf16")
    assert model.evaluate(poems).tokens == scores.tokens
    settings = inkstone.Settings("write")
    model.defaults(settings)


def test_score(tmp_path):
    (tmp_path / "a").write_text("the cat sat\n")
    (metric,) = inkstone.score(tmp_path / "a", tmp_path / "a", metric="chrf")
    assert metric["score"] == 100


def test_reading(tmp_path):
    (tmp_path / "gb").write_bytes("月亮\r\n".encode("gb18030"))
    assert inkstone.read_text(tmp_path / "gb", encoding="gb18030") == "月亮\n"
    with pytest.raises(inkstone.Error, match="it"):
        inkstone.check_text(b"\xff\xfe\xfd", "it")
    assert inkstone.check_text(b"\xef\xbb\xbfa\r\nb", "it") == "a\nb"


def test_nothing_was_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert inkstone.pulled() == []
    with pytest.raises(inkstone.Error):
        inkstone.pull("nobody/nothing", offline=True)


def test_bench():
    assert inkstone.bench("machine")


def test_nothing_leaks(model):
    """A thousand results of each kind are not a megabyte."""

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def use():
        for _ in range(1000):
            model.tokenizer().decode(model.tokenizer().encode("the moon sings " * 20))
            model.describe()

    use()
    before = resident()
    use()
    assert resident() - before < 1 << 20
