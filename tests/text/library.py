"""libinkstone's tokenizers from Python."""
import ctypes


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 1020)]


def load(path):
    library = ctypes.CDLL(path)
    library.ink_tokenizer_open.restype = ctypes.c_void_p
    library.ink_tokenizer_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(Error)]
    library.ink_tokenizer_encode.restype = ctypes.c_bool
    library.ink_tokenizer_encode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_bool,
                                             ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)), ctypes.POINTER(ctypes.c_size_t),
                                             ctypes.POINTER(Error)]
    library.ink_tokenizer_decode.restype = ctypes.c_bool
    library.ink_tokenizer_decode.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int32), ctypes.c_size_t,
                                             ctypes.c_bool, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(Error)]
    library.ink_free.argtypes = [ctypes.c_void_p]
    return library


class Tokenizer:
    def __init__(self, path, tokenizer):
        self.library = library = load(path)
        error = Error()
        self.tokenizer = library.ink_tokenizer_open(tokenizer.encode(), error)
        assert self.tokenizer, error.text.decode()

    def encode(self, text, specials=True):
        library, data, ids, count, error = self.library, text.encode(), ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t(), Error()
        assert library.ink_tokenizer_encode(self.tokenizer, data, len(data), specials, ids, count, error), error.text.decode()
        found = ids[: count.value]
        library.ink_free(ids)
        return found

    def decode(self, ids, specials=False):
        library = self.library
        array, text, length, error = (ctypes.c_int32 * len(ids))(*ids), ctypes.c_void_p(), ctypes.c_size_t(), Error()
        assert library.ink_tokenizer_decode(self.tokenizer, array, len(ids), specials, text, length, error), error.text.decode()
        found = ctypes.string_at(text, length.value)
        library.ink_free(text)
        return found.decode("utf-8", "replace")
