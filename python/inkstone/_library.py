"""Finds and loads libinkstone."""
from __future__ import annotations

import ctypes
import os
import pathlib

from . import _c

BUNDLED = pathlib.Path(__file__).with_name("libinkstone.so")


def load() -> ctypes.CDLL:
    """The library that INKSTONE_LIBRARY names, or the one in this package, or the system's."""
    path = os.environ.get("INKSTONE_LIBRARY") or (str(BUNDLED) if BUNDLED.exists() else "libinkstone.so.0")
    try:
        library = ctypes.CDLL(path)
        _c.declare(library)
    except (OSError, AttributeError) as problem:
        raise ImportError(f"libinkstone {_c.VERSION} cannot be loaded: {problem}; install it (Debian: package libinkstone0), or name "
                          "its file in the environment variable INKSTONE_LIBRARY") from problem
    version: str = library.ink_version().decode()
    if version.split(".")[:2] != _c.VERSION.split(".")[:2]:
        raise ImportError(f"{path} is libinkstone {version}, this package needs {_c.VERSION}: install the other version of either")
    return library


lib = load()
