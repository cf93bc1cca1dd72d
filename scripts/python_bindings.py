#!/usr/bin/env python3
"""Writes python/inkstone/_c.py, the declarations of inkstone.h for ctypes.

  scripts/python_bindings.py            writes the file
  scripts/python_bindings.py --check    exit status 1 if the file is not what the header says

The header is parsed, not guessed: a declaration of a form that this script does not know is an error.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/inkstone.h"
OUTPUT = ROOT / "python/inkstone/_c.py"

# C types without names of parameters, as ctypes has them. A char * that a function returns is freed by the caller, so its address
# must be kept: ctypes would turn a c_char_p into bytes and lose it.
TYPES = {
    "void": "None", "bool": "c_bool", "int": "c_int", "int32_t": "c_int32", "int64_t": "c_int64", "size_t": "c_size_t",
    "double": "c_double", "void *": "c_void_p", "const void *": "c_void_p", "char *": "c_void_p", "const char *": "c_char_p",
    "const char *const *": "POINTER(c_char_p)", "const size_t *": "POINTER(c_size_t)", "size_t *": "POINTER(c_size_t)",
    "const int32_t *": "POINTER(c_int32)", "int32_t **": "POINTER(POINTER(c_int32))", "char **": "POINTER(c_void_p)",
    "const float *": "POINTER(c_float)", "const float **": "POINTER(POINTER(c_float))", "int64_t *": "POINTER(c_int64)",
    "double *": "POINTER(c_double)", "bool *": "POINTER(c_bool)",
}


def split_type(declaration):
    """("const char *", "name") of "const char *name"; the name may be missing."""
    match = re.fullmatch(r"((?:const )?\w+ ?(?:\*(?:const )?)*)\s*(\w*)(\[\d+\])?", " ".join(declaration.split()))
    if not match:
        raise SystemExit(f"python_bindings: cannot read: {declaration}")
    return re.sub(r"(?<=\w)(?=\*)", " ", match.group(1).strip()), match.group(2), match.group(3)


class Header:
    def __init__(self, text):
        code = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        self.version = re.search(r'#define INK_VERSION "(.*)"', text).group(1)
        self.constants = re.findall(r"\b(INK_[A-Z_]+) = (\d+)", code)
        for body in re.findall(r"typedef enum \w+ \{(.*?)\}", code, flags=re.S):
            self.constants += [(name, i) for i, name in enumerate(re.findall(r"\bINK_\w+", body))]
        self.enums = re.findall(r"typedef enum \w+ \{[^}]*\} (\w+);", code)
        self.opaque = re.findall(r"typedef struct (\w+) \1;", code)
        self.structs = re.findall(r"typedef struct (\w+) \{([^}]*)\} \1;", code)
        self.callbacks = re.findall(r"typedef (\w+) (\w+)\(([^)]*)\);", code)
        self.functions = [(*split_type(what)[:2], arguments) for what, arguments in re.findall(r"INK_API ([^(;]*)\(([^)]*)\);", code)]
        if len(self.functions) != len(re.findall(r"^INK_API\b", code, flags=re.M)):
            raise SystemExit("python_bindings: a declaration with INK_API is not a function")

    def ctype(self, c):
        base = c.replace("const ", "").replace("*", "").strip()
        if c in self.enums:
            return "c_int"
        if base in self.opaque and c.count("*") == 1:
            return "c_void_p"
        if base in (name for name, _ in self.structs) and c.count("*") == 1:
            return f"POINTER({base})"
        if base in (name for _, name, _ in self.callbacks) and c.count("*") == 1:
            return base
        if c not in TYPES:
            raise SystemExit(f"python_bindings: unknown type {c}: add it to TYPES")
        return TYPES[c]

    def arguments(self, text):
        return [] if text.strip() == "void" else [self.ctype(split_type(part)[0]) for part in text.split(",")]

    def members(self, body):
        """(name, ctype) of each. A text with a length may hold NUL bytes, which c_char_p would end at: it is an address."""
        found = []
        for line in body.split(";"):
            first, *more = (part.strip() for part in line.split(","))
            if not first:
                continue
            c, name, array = split_type(first)
            kind = f"c_char * {array[1:-1]}" if array else self.ctype(c)
            found += [(name, kind)]
            found += [(other.lstrip("*"), kind) for other in more]
        has_length = any(name == "length" for name, _ in found)
        return [(name, "c_void_p" if has_length and name in ("text", "bytes") else kind) for name, kind in found]


def write(header):
    yield '"""The declarations of inkstone.h, written by scripts/python_bindings.py. Do not edit."""'
    yield "from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64,"
    yield "                    c_size_t, c_void_p)\n"
    yield f'VERSION = "{header.version}"'
    yield from (f"{name} = {value}" for name, value in header.constants)
    blocks = {name: write_struct(name, header.members(body)) for name, body in header.structs}
    for result, name, arguments in header.callbacks:
        kinds = ", ".join([header.ctype(result), *header.arguments(arguments)])
        blocks[name] = f"\n\n{name} = CFUNCTYPE({kinds})"
    yield from in_order(blocks)
    yield "\n\ndef declare(library: CDLL) -> None:"
    yield '    """Gives each function its types."""'
    for result, name, arguments in header.functions:
        yield f"    library.{name}.restype = {header.ctype(result)}"
        yield f"    library.{name}.argtypes = [{', '.join(header.arguments(arguments))}]"


def write_struct(name, members):
    lines = [f"\n\nclass {name}(Structure):", "    _fields_ = ["]
    return "\n".join([*lines, *(f'        ("{member}", {kind}),' for member, kind in members), "    ]"])


def in_order(blocks):
    """Each block after those that it names."""
    while blocks:
        ready = [name for name in blocks if not set(re.findall(r"\w+", blocks[name])) & (blocks.keys() - {name})]
        if not ready:
            raise SystemExit(f"python_bindings: these name each other: {', '.join(blocks)}")
        for name in ready:
            yield blocks.pop(name)


def main():
    text = "\n".join(write(Header(HEADER.read_text(encoding="utf-8")))) + "\n"
    if sys.argv[1:] == ["--check"]:
        if OUTPUT.read_text(encoding="utf-8") != text:
            raise SystemExit("python/inkstone/_c.py is not what include/inkstone.h says: run scripts/python_bindings.py")
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
