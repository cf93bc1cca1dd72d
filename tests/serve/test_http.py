#!/usr/bin/env python3
"""Hostile and clumsy clients: they get an error or nothing, others get answers meanwhile."""
import os
import socket
import time

from serving import Server, check, finish, folder, poems

model = poems()
keys = os.path.join(folder, "keys")
with open(keys, "w") as f:
    f.write("# keys\nfirst-key\r\nsecond-key\n")
server = Server([model], "--read-timeout", "1", "--max-body", "64k", "--max-connections", "64", "--allow-host", "box.local", "--allow-origin",
                "https://example.org")


def answers(what):
    got = server.request("GET", "/health")
    check(got[0] == 200, f"others are answered: {what}", got)


def reply(data, half_close=False, wait=10):
    """What the server sends for these bytes until it closes, or until there is nothing more for some time."""
    got = b""
    with server.raw(data, wait) as s:
        if half_close:
            s.shutdown(socket.SHUT_WR)
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece
                if b"Content-Length" in got and b"\r\n\r\n" in got and not half_close:
                    return got
        except (socket.timeout, ConnectionResetError):
            return got + b"<no end>" if not got else got


def names():
    for host, status in (("127.0.0.1", 200), ("localhost:99", 200), ("[::1]:8080", 200), ("BOX.local", 200), ("evil.example", 403),
                         ("box.local.evil.example", 403), ("localhost.evil.example", 403), ("", 400), ("[::1", 400), ("a" * 300, 400)):
        got = server.request("GET", "/health", headers={"Host": host})
        check(got[0] == status, f"Host {host[:40]}", got[0], got[2])
    own = f"http://127.0.0.1:{server.port}"
    for origin, status in ((own, 200), ("https://example.org", 200), ("http://example.org", 403), ("null", 403), ("http://127.0.0.1:1", 403)):
        got = server.request("GET", "/v1/models", headers={"Origin": origin})
        check(got[0] == status, f"Origin {origin}", got[0], got[2])
        check((got[1]["Access-Control-Allow-Origin"] == origin) == (status == 200), "CORS", got[1])
    asked = server.request("OPTIONS", "/v1/completions", headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"})
    check(asked[0] == 200 and "authorization" in asked[1]["Access-Control-Allow-Headers"], "a browser may ask first", asked[1])


def paths():
    for path in ("/", "/v1", "/v1/models/", "/../etc/passwd", "/v1/%2e%2e/models", "//v1/models", "/v1/models%00", "/V1/MODELS"):
        got = server.request("GET", path)
        check(got[0] == 404 and got[2]["error"]["type"] == "invalid_request_error", f"there is no {path}", got)
    check(server.request("GET", "/v1/completions")[0] == 405 and server.request("DELETE", "/v1/models")[0] == 405, "methods")
    check(server.request("GET", "/v1/models?x=1")[0] == 200, "a query is not a part of the path")


def sizes():
    big = b'{"model": "poems", "prompt": "' + b"x" * 100000 + b'"}'
    try:
        got = server.request("POST", "/v1/completions", big)
        check(got[0] == 413, "too large", got)
    except (ConnectionResetError, BrokenPipeError):
        pass  # it stopped reading
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
    check(b" 413 " in reply(head + b"Content-Length: 999999999999\r\n\r\n"), "refused before the body")
    got = reply(head + b"Content-Length: 99999999999999999999999999\r\n\r\n")
    check(b" 413 " in got or b" 400 " in got, "a length beyond all numbers", got)
    check(b"200" not in reply(head + b"Content-Length: -5\r\n\r\n"), "a negative length")
    endless = reply(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n", wait=5)
    check(b"200" not in endless, "an endless body ends", endless[:100])
    with server.raw(head + b"Transfer-Encoding: chunked\r\n\r\n") as s:
        try:
            for _ in range(1000):
                s.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            check(not s.recv(100).startswith(b"HTTP/1.1 200"), "a body without a length is limited, too")
        except (ConnectionError, socket.timeout):
            pass
    check(b"200" not in reply(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n"), "long headers")
    check(b"200" not in reply(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20000 + b"\r\n"), "many headers")
    answers("sizes")


def garbage():
    for data in (b"\0" * 1000, b"\r\n" * 1000, os.urandom(5000), b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"HELLO\n\n",
                 b"GET /health HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                 b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"):
        got = reply(data, wait=5)
        check(b" 200 " not in got[:20], f"garbage {data[:30]}", got[:200])
    answers("garbage")


def pipelines():
    one = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = reply(one * 20 + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", half_close=False, wait=5)
    with server.raw(one * 20 + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as s:
        got = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    check(got.count(b"HTTP/1.1 200") == 21, "pipelined requests", got.count(b"HTTP/1.1 200"))


def slow():
    """A client that sends a byte at a time is closed at the limit, however often it sends."""
    begun = time.monotonic()
    s = server.raw(b"GET /health HTT")
    try:
        while time.monotonic() - begun < 20:
            s.sendall(b"P")
            time.sleep(0.2)
            s.setblocking(False)
            try:
                if not s.recv(100):
                    break
            except BlockingIOError:
                pass
            s.setblocking(True)
    except ConnectionError:
        pass
    check(time.monotonic() - begun < 15, "slow headers end")
    body = server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    body.settimeout(15)
    try:
        check(body.recv(1000)[:15] != b"HTTP/1.1 200 OK", "a slow body ends")
    except ConnectionError:
        pass
    answers("slow")


def idle():
    """Connections without a request are closed after the timeout, so that others get theirs."""
    waiting = [server.raw() for _ in range(64)]
    begun = time.monotonic()
    answers("idle connections")
    check(time.monotonic() - begun < 20, "idle connections are closed")
    for s in waiting:
        s.close()


def leaving():
    """Clients that leave, with and without a stream, free what runs for them."""
    head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
    left = server.metric("requests_left_total")
    for extra in ("", ', "stream": true'):
        body = '{"model": "poems", "prompt": ["' + '", "'.join(["The moon"] * 60) + '"], "n": 64, "max_tokens": 80, "seed": 1%s}' % extra
        s = server.raw((head % (len(body), body)).encode())
        if extra:
            s.recv(100)
        else:
            time.sleep(0.3)
        s.close()
    for _ in range(100):
        if server.request("GET", "/health")[2]["requests"] == 0:
            break
        time.sleep(0.1)
    check(server.request("GET", "/health")[2]["requests"] == 0, "nothing runs for clients that left")
    check(server.metric("requests_left_total") > left, "they are counted", left)
    answers("clients that left")


def with_keys():
    guarded = Server([model], "--api-key-file", keys, "--api-key", "third")
    for key, status in ((None, 401), ("Bearer first-key", 200), ("bearer second-key", 200), ("Bearer third", 200), ("Bearer first-ke", 401),
                        ("Bearer first-key2", 401), ("Bearer # keys", 401), ("Bearer ", 401), ("Basic first-key", 401), ("first-key", 401)):
        got = guarded.request("GET", "/v1/models", headers={"Authorization": key} if key else {})
        check(got[0] == status, f"key {key}", got[0], got[2])
    got = guarded.request("POST", "/v1/completions", {"model": "poems", "prompt": "x"})
    check(got[0] == 401 and got[2]["error"]["type"] == "authentication_error", "a request without a key", got)
    check(guarded.request("GET", "/health")[0] == 200, "health needs no key")
    guarded.stop()


for part in (names, paths, sizes, garbage, pipelines, slow, idle, leaving, with_keys):
    part()
server.stop()
finish()
