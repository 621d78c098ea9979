# SPDX-License-Identifier: MIT
"""The header as a ctypes module."""

SCALARS = {
    "int32_t": "c_int32", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
    "uint8_t": "c_uint8", "size_t": "c_size_t", "float": "c_float",
    "char": "c_char", "void": "None",
}


def ctype(kind):
    name = SCALARS.get(kind.base, kind.base)
    pointers = list(kind.pointers)
    if pointers and kind.base == "void":
        pointers.pop()
        name = "c_void_p"
    elif pointers and kind.base == "char" and pointers[-1]:
        pointers.pop()
        name = "c_char_p"
    for _ in pointers:
        name = f"POINTER({name})"
    return name


def field_type(kind):
    """Text fields come with a length and may hold NUL: c_char_p would stop
    there, so a field is an address."""
    return "c_void_p" if ctype(kind) == "c_char_p" else ctype(kind)


def structs(header):
    lines = []
    for struct in header.structs:
        lines += [f"class {struct.name}(Structure):", "    _fields_ = ["]
        lines += [f'        ("{f.name}", {field_type(f.type)}),'
                  for f in struct.fields]
        lines += ["    ]", "", ""]
    return lines


def functions(header):
    lines = ["FUNCTIONS: list[tuple[str, Any, list[Any]]] = ["]
    for f in header.functions:
        args = ", ".join(ctype(p.type) for p in f.params)
        lines.append(f'    ("{f.name}", {ctype(f.result)}, [{args}]),')
    return lines + ["]"]


def emit(header):
    lines = [
        '"""Generated from include/phial/phial.h by bindings/gen. '
        'Do not edit."""',
        "from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_char,",
        "                    c_char_p, c_float, c_int32, c_size_t, c_uint8,",
        "                    c_uint32, c_uint64, c_void_p)",
        "from typing import Any",
        "",
    ]
    lines += [f"{c.name} = {c.value}" for c in header.constants] + ["", ""]
    for name in header.handles:
        lines += [f"class {name}(Structure):", "    pass", "", ""]
    lines += [f"{a.name} = {ctype(a.type)}" for a in header.aliases]
    for c in header.callbacks:
        args = ", ".join([ctype(c.result)] + [ctype(p.type) for p in c.params])
        lines.append(f"{c.name} = CFUNCTYPE({args})")
    lines += ["", ""] + structs(header)
    lines += functions(header)
    lines += [
        "", "",
        "def bind(lib: CDLL) -> CDLL:",
        '    """Attaches signatures; a function newer than lib stays absent."""',
        "    for name, restype, argtypes in FUNCTIONS:",
        "        function = getattr(lib, name, None)",
        "        if function is not None:",
        "            function.restype, function.argtypes = restype, argtypes",
        "    return lib",
        "",
    ]
    return "\n".join(lines)
