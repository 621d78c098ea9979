# SPDX-License-Identifier: MIT
"""Finds the shared library, checks its version and declares its functions.

The environment variable PHIAL_LIBRARY names it; otherwise it is the one inside
the package, which is how wheels bring it, or else the one that is installed."""
from __future__ import annotations

import ctypes
import ctypes.util
import os

from . import _ffi
from ._errors import error

REQUIRED = (0, 1)  # the header that _ffi was generated from
BUNDLED = ("libphial.so", "libphial.dylib", "phial.dll")
SONAME = "libphial.so.0"


def candidates() -> list[str]:
    """Where to look, first things first."""
    named = os.environ.get("PHIAL_LIBRARY")
    if named:
        return [named]
    folder = os.path.dirname(os.path.abspath(__file__))
    bundled = [path for name in BUNDLED
               if os.path.exists(path := os.path.join(folder, name))]
    if bundled:
        return bundled
    found = ctypes.util.find_library("phial")
    return [SONAME] + ([found] if found else [])


def open_first(names: list[str]) -> ctypes.CDLL:
    said = []
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as e:
            said.append(str(e))
    raise ImportError("phial's shared library cannot be loaded: "
                      + "; ".join(said) + ". Install libphial, or set "
                      "PHIAL_LIBRARY to its path")


def fits(version: int) -> bool:
    """Before 1.0 each minor version is an ABI of its own; after it each major
    version."""
    major, minor = version >> 16, version >> 8 & 0xff
    if REQUIRED[0] == 0:
        return (major, minor) == REQUIRED
    return major == REQUIRED[0]


def load() -> ctypes.CDLL:
    library = open_first(candidates())
    library.phial_version.restype = ctypes.c_uint32
    version = library.phial_version()
    if not fits(version):
        raise ImportError(
            f"{library._name} is version {version >> 16}.{version >> 8 & 0xff}"
            f" of phial; this package is for {REQUIRED[0]}.{REQUIRED[1]}")
    return _ffi.bind(library)


lib = load()
last_error = lib.phial_last_error


def check(status: int) -> int:
    """Raises what a status below zero stands for; to be called on the thread
    that got it, before anything else."""
    if status < 0:
        raise error(status, last_error().decode("utf-8", "replace"))
    return status


def library_version() -> str:
    """The version of the shared library that was loaded."""
    version = lib.phial_version()
    return f"{version >> 16}.{version >> 8 & 0xff}.{version & 0xff}"


def build_info() -> str:
    """One line of JSON about the library and the processor, for bug reports."""
    text: bytes = lib.phial_build_info()
    return text.decode()
