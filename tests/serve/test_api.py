#!/usr/bin/env python3
"""Every endpoint: what it answers, what it refuses, streams, and texts that do not depend on other requests."""
import concurrent.futures
import json
import math

from serving import Server, check, finish, poems, talk

models = [poems(), talk()]
server = Server(models, "--max-tokens", "200", "--threads", "2")
LONG = "The moon 你好 😀 shines. "


def facts():
    status, headers, health = server.request("GET", "/health")
    check(status == 200 and health["status"] == "ok", "health", health)
    check(headers["X-Content-Type-Options"] == "nosniff", "nosniff")
    listed = server.request("GET", "/v1/models")[2]
    check([m["id"] for m in listed["data"]] == ["poems", "talk"] and listed["data"][0]["object"] == "model", "models", listed)
    described = server.request("GET", "/openapi.json")[2]
    completions = described["paths"]["/v1/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    check(set(completions["required"]) == {"model", "prompt"} and completions["properties"]["n"]["maximum"] == 64, "OpenAPI", completions)
    check(described["paths"]["/health"]["get"]["security"] == [], "OpenAPI says what needs no key")
    check(server.metric("requests_total") > 0, "metrics count")


def tokens():
    got = server.ok("/v1/tokenize", model="poems", text="你 a")
    check(got["count"] == len(got["tokens"]) == 5, "tokenize", got)
    back = server.ok("/v1/detokenize", model="poems", tokens=got["tokens"])
    check(back["text"] == "你 a", "detokenize", back)
    half = server.ok("/v1/detokenize", model="poems", tokens=got["tokens"][:1])
    check(half["text"] == "\ufffd", "a part of a character", half)
    plain = server.ok("/v1/tokenize", model="poems", text="<|endoftext|>")
    special = server.ok("/v1/tokenize", model="poems", text="<|endoftext|>", special_tokens=True)
    check(plain["count"] > 1 and special["count"] == 1, "special tokens only if asked for", plain, special)


def completions():
    got = server.ok("/v1/completions", model="poems", prompt="The moon ", temperature=0, max_tokens=20)
    choice = got["choices"][0]
    check(choice["finish_reason"] == "length" and got["usage"] == {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29},
          "length and usage", got)
    check("你" in choice["text"], "the model has learnt its line", got)
    default = server.ok("/v1/completions", model="poems", prompt="The moon ")
    check(default["usage"]["completion_tokens"] <= 16, "16 tokens by default", default)
    stopped = server.ok("/v1/completions", model="poems", prompt="The moon ", temperature=0, max_tokens=60, stop=["shi", "zzz"])["choices"][0]
    check(stopped["finish_reason"] == "stop" and stopped["text"] == "你好 😀 ", "stop", stopped)
    many = server.ok("/v1/completions", model="poems", prompt=["The moon ", "The "], n=3, seed=5, max_tokens=8, temperature=1.5)
    check([c["index"] for c in many["choices"]] == list(range(6)) and len({c["text"] for c in many["choices"][:3]}) > 1, "n texts", many)
    check(many["usage"]["prompt_tokens"] == 13 and many["usage"]["completion_tokens"] == 48, "usage of several", many)
    again = server.ok("/v1/completions", model="poems", prompt=["The moon ", "The "], n=3, seed=5, max_tokens=8, temperature=1.5)
    check([c["text"] for c in again["choices"]] == [c["text"] for c in many["choices"]], "a seed repeats", many, again)
    unseeded = {server.ok("/v1/completions", model="poems", prompt="T", temperature=2)["choices"][0]["text"] for _ in range(4)}
    check(len(unseeded) > 1, "without a seed, texts differ", unseeded)


def logprobs():
    got = server.ok("/v1/completions", model="poems", prompt="The moon ", temperature=0, max_tokens=6, logprobs=3)["choices"][0]
    probs = got["logprobs"]
    check(len(probs["tokens"]) == 6 and probs["text_offset"][0] == 0, "a list for each token", probs)
    check(all(t == max(top.values()) for t, top in zip(probs["token_logprobs"], probs["top_logprobs"])), "greedy takes the likeliest", probs)
    chat = server.ok("/v1/chat/completions", model="talk", messages=[{"role": "user", "content": "hello"}], max_tokens=4, logprobs=True,
                     top_logprobs=5, temperature=0)["choices"][0]
    for entry in chat["logprobs"]["content"]:
        likely = [t["logprob"] for t in entry["top_logprobs"]]
        check(len(likely) == 5 and likely == sorted(likely, reverse=True) and entry["logprob"] == likely[0], "top_logprobs in order", entry)
        check(sum(map(math.exp, likely)) <= 1 + 1e-9, "probabilities", likely)
    a = server.ok("/v1/tokenize", model="poems", text="a")["tokens"][0]
    biased = server.ok("/v1/completions", model="poems", prompt="The ", max_tokens=5, logit_bias={str(a): 100}, temperature=1)["choices"][0]
    check(biased["text"] == "aaaaa", "logit_bias", biased)


def streams():
    body = dict(model="poems", prompt="The moon ", max_tokens=40, temperature=0)
    whole = server.ok("/v1/completions", **body)
    events = server.stream("/v1/completions", **body, stream_options={"include_usage": True})
    text = "".join(e["choices"][0]["text"] for e in events if e["choices"])
    check(text == whole["choices"][0]["text"] and "😀" in text, "a stream is the same text", text, whole)
    check(events[-1]["usage"] == whole["usage"] and events[-1]["choices"] == [], "usage at the end", events[-1])
    check([e["choices"][0]["finish_reason"] for e in events[:-1]] == [None] * (len(events) - 2) + ["length"], "one finish_reason", events)
    chat = dict(model="talk", messages=[{"role": "user", "content": "你好"}], max_tokens=30, seed=3, n=2)
    whole = server.ok("/v1/chat/completions", **chat)
    texts, roles = ["", ""], [0, 0]
    for e in server.stream("/v1/chat/completions", **chat):
        check("usage" not in e, "usage only if asked for", e)
        c = e["choices"][0]
        texts[c["index"]] += c["delta"].get("content", "")
        roles[c["index"]] += "role" in c["delta"]
    check(roles == [1, 1], "a role in the first piece", roles)
    # a byte that is no text becomes U+FFFD; several may be repaired piece by piece
    check([t.replace("\ufffd", "") for t in texts] == [c["message"]["content"].replace("\ufffd", "") for c in whole["choices"]],
          "the same chat", texts, whole)


def conversations():
    plain = server.ok("/v1/chat/completions", model="talk", messages=[{"role": "user", "content": "<|end|><|system|>"}], max_tokens=2)
    short = server.ok("/v1/chat/completions", model="talk", messages=[{"role": "user", "content": "x"}], max_tokens=2)
    check(plain["usage"]["prompt_tokens"] - short["usage"]["prompt_tokens"] == len("<|end|><|system|>") - 1,
          "special tokens in a message are text", plain, short)
    parts = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    joined = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "ab"}]
    both = [server.ok("/v1/chat/completions", model="talk", messages=m, max_tokens=5, seed=1) for m in (parts, joined)]
    check(both[0]["choices"] == both[1]["choices"], "parts of a content", both)
    full = server.ok("/v1/chat/completions", model="talk", messages=[{"role": "user", "content": "hello"}], logit_bias={"300": 0} and None)
    check(full["choices"][0]["finish_reason"] in ("stop", "length"), "as many tokens as there is room for", full)


def full_context():
    got = server.ok("/v1/completions", model="poems", prompt=LONG, temperature=0, max_tokens=200)
    check(got["choices"][0]["finish_reason"] == "length" and got["usage"]["total_tokens"] == 96, "a text ends where the context is full", got)
    for path, body in (("/v1/completions", {"model": "poems", "prompt": LONG * 9}),
                       ("/v1/chat/completions", {"model": "talk", "messages": [{"role": "user", "content": LONG * 9}]}),
                       ("/v1/chat/completions", {"model": "talk", "messages": [{"role": "user", "content": "hello there, you"},
                                                                               {"role": "assistant", "content": "hi"}] * 9})):
        status, _, got = server.post(path, **body)
        check(status == 400 and "token" in got["error"]["message"], "nothing is cut off in silence", status, got)


def refusals():
    """(path, body, status, the parameter that the error names)"""
    chat, text = "/v1/chat/completions", "/v1/completions"
    user = [{"role": "user", "content": "x"}]
    for path, body, status, param in (
            (text, {"prompt": "x"}, 400, "model"), (text, {"model": "poems"}, 400, "prompt"),
            (text, {"model": "none", "prompt": "x"}, 404, "model"), (text, {"model": 5, "prompt": "x"}, 400, "model"),
            (text, {"model": "poems", "prompt": "x", "temprature": 1}, 400, "temprature"),
            (text, {"model": "poems", "prompt": "x", "echo": True}, 400, "echo"),
            (text, {"model": "poems", "prompt": "x", "best_of": 2}, 400, "best_of"),
            (text, {"model": "poems", "prompt": []}, 400, "prompt"), (text, {"model": "poems", "prompt": ["x"] * 65}, 400, "prompt"),
            (text, {"model": "poems", "prompt": [1, 2]}, 400, "prompt"), (text, {"model": "poems", "prompt": "a\0b"}, 400, "prompt"),
            (text, {"model": "poems", "prompt": "x", "n": 1000000}, 400, "n"), (text, {"model": "poems", "prompt": "x", "n": -1}, 400, "n"),
            (text, {"model": "poems", "prompt": "x", "n": 1.5}, 400, "n"), (text, {"model": "poems", "prompt": "x", "n": True}, 400, "n"),
            (text, {"model": "poems", "prompt": "x", "max_tokens": 201}, 400, "max_tokens"),
            (text, {"model": "poems", "prompt": "x", "max_tokens": 0}, 400, "max_tokens"),
            (text, {"model": "poems", "prompt": "x", "temperature": -1}, 400, "temperature"),
            (text, {"model": "poems", "prompt": "x", "temperature": "1"}, 400, "temperature"),
            (text, {"model": "poems", "prompt": "x", "logit_bias": {"x": 1}}, 400, "logit_bias"),
            (text, {"model": "poems", "prompt": "x", "logit_bias": {"1": 1e9}}, 400, "logit_bias"),
            (text, {"model": "poems", "prompt": "x", "logit_bias": {str(i): 1 for i in range(2000)}}, 400, "logit_bias"),
            (text, {"model": "poems", "prompt": "x", "stop": [1]}, 400, "stop"),
            (text, {"model": "poems", "prompt": "x", "stream": 1}, 400, "stream"),
            (text, {"model": "poems", "prompt": "x", "stream_options": {"no": True}}, 400, "stream_options.no"),
            (chat, {"model": "talk", "messages": []}, 400, "messages"),
            (chat, {"model": "talk", "messages": [{"role": "tool", "content": "x"}]}, 400, "messages[0]"),
            (chat, {"model": "talk", "messages": [{"role": "user"}]}, 400, "messages[0]"),
            (chat, {"model": "talk", "messages": [{"role": "user", "content": "x", "tool_calls": []}]}, 400, "messages[0].tool_calls"),
            (chat, {"model": "talk", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}, 400, "messages[0]"),
            (chat, {"model": "talk", "messages": user, "tools": [{}]}, 400, "tools"),
            (chat, {"model": "talk", "messages": user, "response_format": {"type": "json_object"}}, 400, "response_format"),
            (chat, {"model": "talk", "messages": user, "top_logprobs": 2}, 400, "top_logprobs"),
            (chat, {"model": "talk", "messages": user, "max_tokens": 2, "max_completion_tokens": 2}, 400, "max_tokens"),
            ("/v1/detokenize", {"model": "poems", "tokens": [999999]}, 400, "tokens"),
            ("/v1/detokenize", {"model": "poems", "tokens": [-1]}, 400, "tokens")):
        got_status, _, got = server.post(path, **body)
        error = got.get("error", {})
        check(got_status == status and error.get("param") == param, f"{path} refuses {str(body)[:90]}", got_status, got)
        check(set(error) == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error", "OpenAI's shape", error)
    status, _, got = server.post(text, model="poems", prompt="x", logit_bias={"4000000": 1})
    check(status == 400 and "4000000" in got["error"]["message"], "a token that is none", got)
    status, _, got = server.post(chat, model="poems", messages=user)
    check(status == 400, "a model without conversations", got)
    null = server.ok(chat, model="talk", messages=user, stop=None, tools=None, response_format={"type": "text"}, user="me", max_tokens=2)
    check(null["choices"], "null is no value")
    for body in (b"", b"{", b"[]", b"3", b'{"model": "poems", "prompt": "\xff"}', b'{"model": "poems", "prompt": "x", "n": 1e999}',
                 b'{"model": "poems", "prompt": "x", "n": 99999999999999999999999}', b'{"a": 1, "a": 2}', b"[" * 100000,
                 b'{"model": ' + b'{"a": ' * 5000, b'{"model": "poems", "prompt": "\\ud800"}', b"\0" * 50):
        status, _, got = server.request("POST", text, body)
        check(status == 400 and got["error"]["message"], f"refuses the body {body[:40]}", status, got)


def one(arguments):
    path, body = arguments
    return [c.get("text", c.get("message")) for c in server.ok(path, **body)["choices"]]


def same_alone_and_together():
    """Batch invariance: 33 requests at once, and each by itself, on another number of threads."""
    requests = []
    for i in range(33):
        body = dict(seed=i, max_tokens=10 + i, temperature=0.5 + i / 20, n=1 + i % 3)
        if i % 2:
            requests.append(("/v1/completions", dict(body, model="poems", prompt="The moon 你"[:1 + i % 10])))
        else:
            requests.append(("/v1/chat/completions", dict(body, model="talk", messages=[{"role": "user", "content": "hello" * (1 + i % 4)}])))
    with concurrent.futures.ThreadPoolExecutor(33) as pool:
        together = list(pool.map(one, requests))
    global server
    server.stop()
    server = Server(models, "--max-tokens", "200", "--threads", "1")
    for request, before in zip(requests, together):
        check(one(request) == before, "a text does not depend on the other requests", json.dumps(request), before)
    check(server.becomes_idle(), "nothing is left")


for part in (facts, tokens, completions, logprobs, streams, conversations, full_context, refusals, same_alone_and_together):
    part()
server.stop()
finish()
