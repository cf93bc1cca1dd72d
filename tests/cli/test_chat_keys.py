#!/usr/bin/env python3
"""Keys of the line editor of `inkstone chat`, on a pseudo-terminal: what they do to a line. Development only.

    test_chat_keys.py INKSTONE      exit 1 where something is wrong
"""
import json
import os
import pty
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../models"))
from peer import call, check, failed, inkstone

# What is typed, and the line it makes.
TYPED = {
    "Ctrl-Left": (b"one two\x1b[1;5DX", "one Xtwo"),
    "Alt-Left": (b"one two\x1b[1;3DX", "one Xtwo"),
    "Ctrl-Right": (b"one two\x01\x1b[1;5CX", "oneX two"),
    "Home of tmux": (b"ne\x1b[1~o", "one"),
    "Home of rxvt": (b"ne\x1b[7~o", "one"),
    "Home of xterm": (b"ne\x1bOHo", "one"),
    "End of tmux": (b"ne\x01o\x1b[4~X", "oneX"),
    "End of xterm": (b"ne\x01o\x1b[FX", "oneX"),
    "Left": (b"oe\x1b[Dn", "one"),
    "Left, keypad mode": (b"oe\x1bODn", "one"),
    "Del": (b"xone\x01\x1b[3~", "one"),
    "Ctrl-Del": (b"two one\x01\x1b[3;5~\x1b[3~", "one"),
    "PgUp": (b"one\x1b[5~", "one"),
    "F5": (b"one\x1b[15~", "one"),
    "Shift-F5": (b"one\x1b[15;2~", "one"),
    "F1": (b"one\x1bOP", "one"),
    "F1 of the Linux console": (b"one\x1b[[A", "one"),
    "Shift-Home": (b"one\x1b[1;2HX", "oneX"),
    "Shift-Tab": (b"one\x1b[Z", "one"),
    "focus": (b"one\x1b[I\x1b[O", "one"),
    "Tab": (b"one\ttwo", "one\ttwo"),
    "Up": (b"\x1b[A", "one\ttwo"),
    "Chinese": ("一三".encode() + b"\x1b[D" + "二".encode(), "一二三"),
}


def until(terminal, seen, pattern):
    """What the program writes, up to a pattern."""
    while not re.search(pattern, seen):
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            break
    return seen


def converse(lines):
    """Types each line at a prompt, then the end of input."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", HOME=os.getcwd(), LC_ALL="C.UTF-8")
        os.execv(inkstone, [inkstone, "chat", "-m", "talker", "--max-tokens", "1"])
    for line in lines:
        until(terminal, b"", rb"> ")
        os.write(terminal, line)
    until(terminal, b"", rb"(?!)")
    return os.waitpid(child, 0)[1]


with open("talk", "w", encoding="utf-8") as f:
    f.write("Where?\tHere.\n" * 12)
call(*"train reply talk -o talker --size nano --tokenizer byte --steps 1 --holdout 0 -q".split())
status = converse([keys + b"\r" for keys, _ in TYPED.values()] + [b"/save saved.jsonl\r", b"\x04"])
check("chat ends", status == 0)
with open("saved.jsonl", encoding="utf-8") as f:
    turns = [m["content"] for m in json.loads(f.readline())["messages"] if m["role"] == "user"]
for (name, (_, wanted)), got in zip(TYPED.items(), turns):
    check(f"{name}: {wanted!r}", got == wanted, repr(got))
check("every line is a turn", len(turns) == len(TYPED))
sys.exit(1 if failed else 0)
