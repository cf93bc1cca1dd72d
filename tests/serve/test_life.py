#!/usr/bin/env python3
"""The life of a server: start, overload, deadlines, thousands of requests, its end."""
import os
import random
import subprocess
import threading
import time

from serving import INKSTONE, SANITIZE, Server, check, finish, folder, poems, talk

models = [poems(), talk()]


def wrong_starts():
    def fails(status, said, *flags):
        done = subprocess.run([INKSTONE, "serve", *flags], capture_output=True, text=True, timeout=60)
        check(done.returncode == status and said in done.stderr, f"serve {flags}", done.returncode, done.stderr)

    fails(2, "--model")
    fails(1, "none", "-m", os.path.join(folder, "none"))
    fails(2, "two models have the name", "-m", models[0], models[0])
    fails(1, "no key", "-m", models[0], "--api-key-file", "/dev/null")
    fails(1, "--host", "-m", models[0], "--host", "not a host")
    first = Server(models[:1])
    fails(1, "cannot listen", "-m", models[0], "--port", str(first.port))
    first.stop()


def names():
    server = Server(["poet=" + models[0], "a=" + models[0]])
    check([m["id"] for m in server.request("GET", "/v1/models")[2]["data"]] == ["poet", "a"], "names of models")
    server.stop()
    server = Server(models[:1], "--host", "0.0.0.0")
    check("other machines can reach this server" in "".join(server.said), "a warning", server.said)
    server.stop()


def background(server, statuses, **body):
    def ask():
        try:
            statuses.append(server.post("/v1/completions", **body))
        except Exception as problem:  # a closed connection
            statuses.append((str(problem), {}, {}))

    t = threading.Thread(target=ask)
    t.start()
    return t


def busy(server):
    for _ in range(200):
        if server.request("GET", "/health")[2]["requests"]:
            return
        time.sleep(0.02)
    check(False, "a request runs")


LONG = dict(model="poems", prompt=["The moon"] * 64, n=8, max_tokens=80, seed=1)


def overload():
    server = Server(models[:1], "--max-requests", "1")
    statuses = []
    t = background(server, statuses, **LONG)
    busy(server)
    status, headers, got = server.post("/v1/completions", model="poems", prompt="x")
    check(status == 429 and headers["Retry-After"] and got["error"]["type"] == "rate_limit_error", "too many requests", status, got)
    t.join()
    check(statuses[0][0] == 200, "the first one is answered", statuses)
    check(server.post("/v1/completions", model="poems", prompt="x")[0] == 200, "later there is room")
    server.stop()


def deadline():
    server = Server(models[:1], "--deadline", "1")
    status, _, got = server.post("/v1/completions", **dict(LONG, n=64))
    check(status == 504 and got["error"]["code"] == "deadline", "a deadline", status, got)
    server.stop()


def drain():
    server = Server(models[:1])
    statuses = []
    t = background(server, statuses, **LONG)
    busy(server)
    server.stop()
    t.join()
    check(statuses[0][0] == 200, "running requests end", statuses[0][0])
    server = Server(models[:1], "--drain", "0")
    statuses = []
    t = background(server, statuses, **dict(LONG, n=64))
    busy(server)
    server.stop()
    t.join()
    check(statuses[0][0] == 503, "without time for it, they get an error", statuses[0][0])


def mixed(server, count, seed):
    r = random.Random(seed)
    for _ in range(count):
        kind = r.randrange(6)
        if kind == 0:
            server.post("/v1/chat/completions", model="talk", messages=[{"role": "user", "content": "你好" * r.randrange(1, 5)}], max_tokens=5, stream=True)
        elif kind == 1:
            server.post("/v1/completions", model="poems", prompt="The moon"[:r.randrange(1, 8)], n=r.randrange(1, 4), max_tokens=6, logprobs=2)
        elif kind == 2:
            server.post("/v1/tokenize", model="talk", text="hello" * r.randrange(50))
        elif kind == 3:
            server.post("/v1/completions", model="poems", prompt="x", nonsense=1)
        elif kind == 4:
            body = '{"model": "poems", "prompt": "The moon", "max_tokens": 60, "stream": true}'
            s = server.raw(f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            if r.randrange(2):
                s.recv(50)
            s.close()
        else:
            server.request("GET", "/metrics")


def soak():
    """Memory and files stay what they are after the first requests."""
    server = Server(models)
    files = f"/proc/{server.process.pid}/fd"
    mixed(server, 300, 0)
    before, opened = server.metric("resident_bytes"), len(os.listdir(files))
    threads = [threading.Thread(target=mixed, args=(server, 100 if SANITIZE else 500, i)) for i in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    time.sleep(1)
    after, left = server.metric("resident_bytes"), len(os.listdir(files))
    print(f"resident bytes {before:.0f} -> {after:.0f}, files {opened} -> {left}")
    check(SANITIZE or after - before < 8e6, "memory does not grow", before, after)
    check(left <= opened + 2, "files are closed", opened, left)
    check(server.becomes_idle(), "nothing is left")
    server.stop()


for part in (wrong_starts, names, overload, deadline, drain, soak):
    part()
finish()
