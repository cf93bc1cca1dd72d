"""Ids of every line of text files, and the text they decode to: ours against Hugging Face tokenizers'.

    compare_hf.py LIBINKSTONE.SO TOKENIZER.JSON FILE...      exit 1 where a line differs, 77 where `tokenizers` is absent

INKSTONE_EVERY=N looks at every N-th line only.
"""
import ctypes
import gzip
import os
import sys

try:
    from tokenizers import Tokenizer
except ImportError:
    print("SKIP: the Python package tokenizers is not installed")
    sys.exit(77)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 1020)]


library = ctypes.CDLL(sys.argv[1])
library.ink_tokenizer_open.restype = ctypes.c_void_p
library.ink_tokenizer_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(Error)]
library.ink_tokenizer_encode.restype = ctypes.c_bool
library.ink_tokenizer_encode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t,
                                         ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)), ctypes.POINTER(ctypes.c_size_t),
                                         ctypes.POINTER(Error)]
library.ink_tokenizer_decode.restype = ctypes.c_bool
library.ink_tokenizer_decode.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int32), ctypes.c_size_t,
                                         ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(Error)]
library.ink_free.argtypes = [ctypes.c_void_p]


class Ours:
    def __init__(self, path):
        error = Error()
        self.tokenizer = library.ink_tokenizer_open(path.encode(), error)
        assert self.tokenizer, error.text.decode()

    def encode(self, line):
        data, ids, count, error = line.encode(), ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t(), Error()
        assert library.ink_tokenizer_encode(self.tokenizer, data, len(data), ids, count, error), error.text.decode()
        found = ids[: count.value]
        library.ink_free(ids)
        return found

    def decode(self, ids):
        array, text, length, error = (ctypes.c_int32 * len(ids))(*ids), ctypes.c_void_p(), ctypes.c_size_t(), Error()
        assert library.ink_tokenizer_decode(self.tokenizer, array, len(ids), text, length, error), error.text.decode()
        found = ctypes.string_at(text, length.value)
        library.ink_free(text)
        return found.decode("utf-8", "replace")


path = sys.argv[2]
ours, theirs = Ours(path), Tokenizer.from_file(path)
lines = []
for name in sys.argv[3:]:
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8", newline="") as f:
        lines += [line for line in f if line]
lines = lines[:: int(os.environ.get("INKSTONE_EVERY", "1"))]
wrong = 0
for start in range(0, len(lines), 10000):
    batch = lines[start : start + 10000]
    for line, expected in zip(batch, theirs.encode_batch(batch, add_special_tokens=False)):
        got = ours.encode(line)
        # Hugging Face spells out an unknown token whose name a normalizer changed: nothing to compare there
        text = theirs.decode(expected.ids, skip_special_tokens=True)
        same_text = "<unk>" in text or ours.decode(got) == text
        if got == expected.ids and same_text:
            continue
        wrong += 1
        if wrong <= 3:
            print("DIFFERENT:", repr(line[:200]), "\n  ours  ", got[:40], "\n  theirs", expected.ids[:40], "\n  text", "same" if same_text else "differs")
print(f"{path}: {len(lines)} lines, {wrong} different")
sys.exit(1 if wrong else 0)
