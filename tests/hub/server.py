#!/usr/bin/env python3
"""A hub for tests: serves repositories from a folder by the protocol of huggingface.co, and misbehaves where told.

  server.py FOLDER PORT_FILE      FOLDER/ORG/NAME/... are the files, PORT_FILE receives "PORT OTHER_PORT"

Each request is a line in FOLDER/log: port, path, Range, Authorization. FOLDER/faults has one fault a line, "FAULT PART [COUNT]":
it is applied to requests whose path contains PART, COUNT times (always). The second port is where redirects lead: another host.
"""
import hashlib
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

ROOT = sys.argv[1]
LARGE = 1000  # bytes from which on a file is one of Git LFS
COMMIT = "0123456789abcdef0123456789abcdef01234567"
used = {}
lock = threading.Lock()


def faults_for(path):
    try:
        with open(os.path.join(ROOT, "faults")) as f:
            lines, version = list(filter(None, f.read().splitlines())), os.fstat(f.fileno()).st_mtime_ns
    except FileNotFoundError:
        return set()
    found = set()
    with lock:
        for line in lines:
            fault, part, count = (line.split() + ["1000000"])[:3]
            if part in path and used.get((version, line), 0) < int(count):
                used[version, line] = used.get((version, line), 0) + 1
                found.add(fault)
    return found


def entry(folder, name, faults):
    data = open(os.path.join(folder, name), "rb").read()
    size = len(data) + ("size-lie" in faults)
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    file = {"rfilename": name, "size": size, "blobId": blob}
    if len(data) >= LARGE:
        file["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": size, "pointerSize": 130}
    return file


def listing(name, faults):
    folder = os.path.join(ROOT, name)
    files = []
    for where, _, names in os.walk(folder):
        files += [os.path.relpath(os.path.join(where, n), folder) for n in names]
    siblings = [entry(folder, n, faults) for n in sorted(files)]
    evil = {"dots": "../evil.json", "absolute": "/tmp/evil", "backslash": "a\\..\\b", "nul": "a\0b", "control": "a\x1b[2Jb",
            "inner": "a/../../b", "git": ".git/config", "empty": "", "directory": "a/"}
    for fault in faults & evil.keys():
        siblings.append(dict(siblings[0], rfilename=evil[fault]))
    if "no-sizes" in faults:
        siblings = [{"rfilename": s["rfilename"]} for s in siblings]
    answer = {"id": name, "sha": COMMIT, "siblings": siblings}
    if "no-commit" in faults:
        answer["sha"] = "main/../../x"
    text = json.dumps(answer)
    if "deep" in faults:
        text = '{"a":' + "[" * 100000
    if "long" in faults:
        text = '{"a":"' + "x" * (20 << 20) + '"}'
    return text.encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def head(self, status, length, kind="application/json", **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def whole(self, status, body, kind="application/json", **headers):
        self.head(status, len(body), kind, **headers)
        self.wfile.write(body)

    def log(self):
        with lock, open(os.path.join(ROOT, "log"), "a") as f:
            f.write("%d %s range=%s auth=%s\n" % (self.server.server_port, self.path, self.headers.get("Range", "-"),
                                                  self.headers.get("Authorization", "-")))

    def do_GET(self):
        self.log()
        faults = faults_for(self.path)
        for status in (401, 403, 404, 429, 500, 503):
            if "status-%d" % status in faults:
                wait = {"Retry_After": 1} if "soon" in faults else {"Retry_After": 4000} if "late" in faults else {}
                return self.whole(status, b'{"error":"no"}', **wait)
        if "page" in faults:
            return self.whole(200, b"<html>Please log in</html>", "text/html; charset=utf-8")
        if "disguised" in faults:  # a web page that says it is JSON
            return self.whole(200, b"<html>Please log in</html>")
        if "silent" in faults:
            time.sleep(30)
            return
        path = urllib.parse.unquote(self.path.split("?")[0]).strip("/").split("/")
        if path[:2] == ["api", "models"] and path[4] == "revision":
            return self.listing("/".join(path[2:4]), faults)
        if path[2] == "resolve":
            return self.file("/".join(path[:2]), "/".join(path[4:]), faults)
        return self.whole(404, b"{}")

    def listing(self, name, faults):
        if not os.path.isdir(os.path.join(ROOT, name)):
            return self.whole(401, b'{"error":"Repository not found"}')
        self.whole(200, listing(name, faults))

    def file(self, repository, name, faults):
        if "redirect" in faults and self.server.server_port == PORT:
            return self.whole(302, b"", Location="http://127.0.0.1:%d%s" % (OTHER, self.path))
        if "circle" in faults:
            return self.whole(302, b"", Location=self.path)
        data = open(os.path.join(ROOT, repository, name), "rb").read()
        if "wrong" in faults:
            data = bytes([data[0] ^ 1]) + data[1:]
        self.send(data, faults)

    def send(self, data, faults):
        size, begin = len(data), 0
        wanted = self.headers.get("Range")
        headers = {"ETag": '"%s"' % hashlib.md5(data).hexdigest()}
        if wanted and "no-range" not in faults:
            begin = int(wanted[6:].rstrip("-")) - ("other-part" in faults)
            headers["Content_Range"] = "bytes %d-%d/%d" % (begin, size - 1, size)
        rest = data[begin:]
        if "endless" in faults:
            self.close_connection = True
            self.head(200, None, "application/octet-stream", **headers)
            try:
                while True:
                    self.wfile.write(data)
            except OSError:
                return
        if "no-length" in faults:
            self.close_connection = True
        self.head(206 if begin else 200, None if "no-length" in faults else len(rest) - ("short" in faults),
                  "application/octet-stream", **headers)
        if "drop" in faults:
            rest = rest[:len(rest) // 2]
            self.close_connection = True
        if "stall" in faults:
            self.wfile.write(rest[:100])
            self.wfile.flush()
            time.sleep(20)
            return
        self.wfile.write(rest)


servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
for s in servers:
    s.daemon_threads = True
PORT, OTHER = (s.server_port for s in servers)
threading.Thread(target=servers[1].serve_forever, daemon=True).start()
with open(sys.argv[2] + ".tmp", "w") as f:
    f.write("%d %d\n" % (PORT, OTHER))
os.rename(sys.argv[2] + ".tmp", sys.argv[2])
servers[0].serve_forever()
