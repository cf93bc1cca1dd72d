#!/usr/bin/env python3
"""Records a command in a terminal and draws the recording as an animated SVG.

  recording.py                               records the demo in both languages: docs/demo.en.svg, docs/demo.zh.svg
  recording.py record CAST -- COMMAND...     runs COMMAND on a terminal of 80x24; CAST is a file in asciinema's format
  recording.py draw CAST SVG --title TITLE   draws it

Nothing is typed in: what is drawn is what the command printed, and the clock is that of the recording. The animation is
CSS without a script; waiting is shortened (LONGEST). Colors follow the reader's light or dark theme, and readers who prefer
reduced motion see the last screen."""

import argparse
import codecs
import contextlib
import fcntl
import functools
import itertools
import json
import os
import pathlib
import pty
import re
import struct
import sys
import tempfile
import termios
import time
import unicodedata

from guide_figures import ROOT, Svg

COLUMNS, ROWS = 80, 24
CELL, LINE, MARGIN, BAR = 8.4, 18, 14, 34  # pixels: width of a column, height of a row, around the screen, title bar
SHORTEST, REDRAWN, LONGEST, HOLD = 0.12, 3, 0.4, 8  # seconds: between two frames, of a line that is redrawn, shown of waiting, of the end

STYLE = """text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace;fill:#24262b;white-space:pre}
.bold{font-weight:700}.dim{fill:#666d78}.red{fill:#b3261e}.green{fill:#1d7d46}.yellow{fill:#8a5a00}.blue{fill:#2364c8}.magenta{fill:#8a3fb0}
.cyan{fill:#0b7285}.box{fill:#fbfaf6;stroke:#c9c6bc}.line{stroke:#dcdad2}.end{text-anchor:end}.wide{font-size:16px}.o{opacity:0}
@media(prefers-color-scheme:dark){text{fill:#e2e0da}.dim{fill:#a2a8b2}.red{fill:#ff8f86}.green{fill:#6fd39a}.yellow{fill:#e6b450}
.blue{fill:#86b3ff}.magenta{fill:#d49bf0}.cyan{fill:#67d0e0}.box{fill:#1b1d21;stroke:#44484f}.line{stroke:#393c42}}"""
COLORS = ("", "red", "green", "yellow", "blue", "magenta", "cyan", "")


# ---- recording ----


def record(command, cast, environment=None):
    """Runs a command on a terminal and writes what it prints, with times, in version 2 of asciinema's format."""
    with open(cast, "w", encoding="utf-8") as out:
        print(json.dumps({"version": 2, "width": COLUMNS, "height": ROWS, "command": " ".join(command)}), file=out)
        child, terminal = pty.fork()
        if child == 0:
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm", **(environment or {})})
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        start, decoder = time.monotonic(), codecs.getincrementaldecoder("utf-8")("replace")
        with contextlib.suppress(OSError):  # EIO: the command has ended
            while chunk := os.read(terminal, 65536):
                text = decoder.decode(chunk)
                print(json.dumps([round(time.monotonic() - start, 3), "o", text], ensure_ascii=False), file=out)
                sys.stdout.write(text)
                sys.stdout.flush()
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"recording.py: {' '.join(command)}: exit status {status}")


def read_cast(path):
    """The width of the terminal, and (seconds, text) of each output."""
    with open(path, encoding="utf-8") as file:
        header, *events = map(json.loads, file)
    return header["width"], [(seconds, text) for seconds, kind, text in events if kind == "o"]


# ---- a terminal ----


class Terminal:
    """All lines that were printed, each a list of cells (character, classes). A wide character has an empty cell behind it."""

    SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column, self.style = columns, [[]], 0, 0, ()

    def write(self, text):
        at = 0
        while at < len(text):
            if sequence := self.SEQUENCE.match(text, at):
                self.control(*sequence.groups())
                at = sequence.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.row += 1
        elif c == "\b":
            self.column = max(self.column - 1, 0)
        elif c < " ":
            raise ValueError(f"control character {c!r} is not supported")
        else:
            self.print(c, columns_of(c))
        while len(self.lines) <= self.row:
            self.lines.append([])

    def print(self, c, width):
        if self.column + width > self.columns:
            self.row, self.column = self.row + 1, 0
            self.lines += [[]] * (self.row == len(self.lines))
        line = self.lines[self.row]
        line += [(" ", ())] * (self.column - len(line))
        line[self.column:self.column + width] = [(c, self.style), ("", self.style)][:width]
        self.column += width

    def control(self, numbers, letter):
        codes = [int(n or 0) for n in numbers.split(";")] if "?" not in numbers else None
        if letter == "m":
            self.color(codes)
        elif letter == "K" and codes == [0]:
            del self.lines[self.row][self.column:]
        elif letter == "K" and codes == [2]:
            self.lines[self.row] = []
        elif letter == "A":
            self.row = max(self.row - max(codes[0], 1), 0)
        elif codes is not None:  # those with "?" switch modes, such as whether the cursor is seen
            raise ValueError(f"terminal sequence ESC[{numbers}{letter} is not supported")

    def color(self, codes):
        for code in codes:
            if code == 0:
                self.style = ()
            elif code in (1, 2) or 30 <= code <= 37:
                self.style += ({1: "bold", 2: "dim"}.get(code) or COLORS[code - 30],)
            else:
                raise ValueError(f"terminal sequence ESC[{code}m is not supported")


def columns_of(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def runs(cells):
    """(column, columns, text, classes) of neighbouring cells of one style and one width, without spaces at the end."""
    column = 0
    for css, run in itertools.groupby(cells, lambda cell: cell[1] + ("wide",) * (columns_of(cell[0]) != 1)):
        run = list(run)
        if text := "".join(c for c, _ in run).rstrip():
            yield column, columns_of(text), text, " ".join(css)
        column += len(run)


# ---- drawing ----


class Track:
    """What one place shows over time: [(start, value)], each until the next."""

    def __init__(self):
        self.shown = []

    def show(self, start, value):
        if not self.shown or self.shown[-1][1] != value:
            self.shown.append((start, value))


def follow(width, events):
    """Plays the events: the tracks of all lines, of the first visible line and of the clock, and the length of the film."""
    terminal, lines, scroll, clock, now, before = Terminal(width), [], Track(), Track(), 0.0, 0.0
    for i, (seconds, text) in enumerate(events):
        terminal.write(text)
        redrawn = "\r" in text.replace("\r\n", "") and "\n" not in text
        if i + 1 < len(events) and events[i + 1][0] - before < (REDRAWN if redrawn else SHORTEST):
            continue
        now += min(seconds - before, LONGEST)
        before = seconds
        lines += [Track() for _ in range(len(terminal.lines) - len(lines))]
        for track, cells in zip(lines, terminal.lines):
            track.show(now, tuple(cells))
        scroll.show(now, max(terminal.row - ROWS + 1, 0))
        clock.show(now, f"{int(seconds) // 60}:{int(seconds) % 60:02}")
    return lines, scroll, clock, now + HOLD


def percent(seconds, length):
    return f"{100 * seconds / length:.3f}".rstrip("0").rstrip(".") + "%"


class Film(Svg):
    """An Svg whose groups appear and vanish. Without animation it shows what is there at the end."""

    def __init__(self, width, height, title, length):
        super().__init__(width, height, title, STYLE)
        self.length, self.rules = length, []

    def animate(self, frames):
        """The attribute of an element that takes each CSS declaration of [(seconds, declaration)] in turn."""
        name = f"k{len(self.rules)}"
        steps = "".join(f"{percent(seconds, self.length)}{{{css}}}" for seconds, css in frames)
        self.rules.append(f"@keyframes {name}{{{steps}}}")
        return f'style="animation-name:{name}"'

    def track(self, track, draw):
        """`draw(value)` adds the shapes of each value of a track, in a group that is seen while the track shows it."""
        ends = [start for start, _ in track.shown[1:]] + [None]
        for (start, value), end in zip(track.shown, ends):
            frames = [(0, "opacity:0")] * (start > 0) + [(start, "opacity:1")] + [(end, "opacity:0")] * (end is not None)
            group = len(self.shapes)
            draw(value)
            if len(self.shapes) > group:
                self.shapes.insert(group, f'<g class="{"o " if end is not None else ""}t" {self.animate(frames)}>')
                self.shapes.append("</g>")

    def __str__(self):
        self.style = f"{STYLE}\n@media(prefers-reduced-motion:no-preference){{.t{{animation:{self.length:.2f}s step-end infinite}}\n" + \
            "\n".join(self.rules) + "}"
        return super().__str__()


def draw(cast, title):
    """The recording as an SVG."""
    columns, events = read_cast(cast)
    lines, scroll, clock, length = follow(columns, events)
    width, height = round(columns * CELL) + 2 * MARGIN, BAR + ROWS * LINE + 2 * MARGIN
    film = Film(width, height, title, length)
    film.add("rect", "box", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=8)
    film.add("line", "line", x1=0, x2=width, y1=BAR, y2=BAR)
    film.text(MARGIN, BAR / 2 + 5, title, "dim")
    film.track(clock, lambda value: film.text(width - MARGIN, BAR / 2 + 5, value, "dim end"))
    film.shapes.append(f'<svg x="{MARGIN}" y="{BAR + MARGIN}" width="{width - MARGIN}" height="{ROWS * LINE}">')
    at = [(start, f"transform:translateY({-LINE * first}px)") for start, first in scroll.shown]
    film.shapes.append(f'<g transform="translate(0 {-LINE * scroll.shown[-1][1]})" class="t" {film.animate(at)}>')
    for row, track in enumerate(lines):
        film.track(track, functools.partial(draw_line, film, row))
    film.shapes += ["</g>", "</svg>"]
    return str(film)


def draw_line(film, row, cells):
    for column, cells_wide, text, css in runs(cells):
        film.add("text", css, text, x=column * CELL, y=LINE * row + 14.0, textLength=cells_wide * CELL)


def demo():
    """Records the demo in both languages."""
    for language in ("en", "zh"):
        command = ["sh", "scripts/demo.sh", "--lang", language]
        with tempfile.TemporaryDirectory() as folder:
            cast = pathlib.Path(folder) / "cast"
            os.chdir(ROOT)
            record(command, cast, {"INKSTONE_LANG": language, "LC_ALL": "C.UTF-8"})
            (ROOT / "docs" / f"demo.{language}.svg").write_text(draw(cast, "$ " + " ".join(command)), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="action")
    recorder = commands.add_parser("record")
    recorder.add_argument("cast")
    recorder.add_argument("command", nargs="+")
    drawer = commands.add_parser("draw")
    drawer.add_argument("cast")
    drawer.add_argument("svg", type=pathlib.Path)
    drawer.add_argument("--title", required=True)
    args = parser.parse_args()
    if args.action == "record":
        record(args.command, args.cast)
    elif args.action == "draw":
        args.svg.write_text(draw(args.cast, args.title), encoding="utf-8")
    else:
        demo()


if __name__ == "__main__":
    main()
