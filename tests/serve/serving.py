"""What the tests of the server share: models of seconds, a server, requests over sockets."""
import atexit
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

INKSTONE = sys.argv[1]
SANITIZE = os.environ.get("SANITIZE", "")
folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder, True)
os.environ.update(LC_ALL="C.UTF-8", INKSTONE_LANG="en")
failures = []


def check(condition, what, *shown):
    if not condition:
        failures.append(what)
        print("FAILED:", what, *(str(s)[:600] for s in shown), flush=True)


def finish():
    print(f"{len(failures)} failed" if failures else "all passed")
    sys.exit(1 if failures else 0)


def train(task, name, text, *flags):
    source = os.path.join(folder, name + ".txt")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run([INKSTONE, "train", task, source, "-o", os.path.join(folder, name), "--threads", "1", "--size", "nano", "--tokenizer",
                    "byte", "--batch", "4", "--eval-every", "60", "--sample-tokens", "0", "--holdout", "0", "-q", *flags], check=True)
    return os.path.join(folder, name)


def poems():
    """A model that has learnt one line by heart, with characters of 1, 3 and 4 bytes."""
    return train("write", "poems", "The moon 你好 😀 shines. " * 60, "--context", "96", "--steps", "60", "--lr", "0.01")


def talk():
    return train("reply", "talk", "hello\nhi there\nhow are you\nfine thanks\n\n你好\n你好吗\n再见\n再见了\n\n" * 40, "--arch", "llama", "--context",
                 "128", "--steps", "8")


class Server:
    def __init__(self, models, *flags):
        self.process = subprocess.Popen([INKSTONE, "serve", "--port", "0", "-m", *models, *flags], stderr=subprocess.PIPE, text=True)
        self.said = []
        while True:
            line = self.process.stderr.readline()
            if not line:
                raise SystemExit("the server did not start: " + "".join(self.said))
            self.said.append(line)
            if line.startswith("serving at "):
                break
        self.port = int(line.rsplit(":", 1)[1])
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def connect(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def raw(self, data=b"", timeout=60):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        if data:
            s.sendall(data)
        return s

    def request(self, method, path, body=None, headers=None):
        """(status, headers, the body, read as JSON if it is)"""
        c = self.connect()
        data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        c.request(method, path, data.encode() if isinstance(data, str) else data, headers or {})
        r = c.getresponse()
        got = r.read()
        c.close()
        if "json" in r.getheader("Content-Type", ""):
            got = json.loads(got)
        return r.status, r.headers, got

    def post(self, path, **body):
        return self.request("POST", path, body)

    def ok(self, path, **body):
        status, _, got = self.post(path, **body)
        check(status == 200, f"{path} answers", status, got, body)
        return got

    def stream(self, path, **body):
        """The events of a stream, without the last one, which is checked."""
        c = self.connect()
        c.request("POST", path, json.dumps(dict(body, stream=True)))
        r = c.getresponse()
        events = r.read().decode("utf-8").split("\n\n")  # invalid UTF-8 fails here
        c.close()
        check(r.status == 200 and "event-stream" in r.getheader("Content-Type"), "a stream of events", r.status, events)
        check(events[-2:] == ["data: [DONE]", ""], "a stream ends with [DONE]", events[-3:])
        return [json.loads(e[len("data: "):]) for e in events[:-2]]

    def becomes_idle(self, seconds=10):
        """A request is forgotten shortly after its answer has been sent."""
        for _ in range(int(seconds / 0.05)):
            if self.request("GET", "/health")[2]["requests"] == 0:
                return True
            time.sleep(0.05)
        return False

    def metric(self, name):
        for line in self.request("GET", "/metrics")[2].decode().splitlines():
            if line.startswith(f"inkstone_{name} "):
                return float(line.split()[1])
        raise KeyError(name)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(120)
        self.reader.join(5)
        check(status == 0, "the server stops with status 0", status, "".join(self.said))
        check("Sanitizer" not in "".join(self.said), "no report of a sanitizer", "".join(self.said)[:4000])
