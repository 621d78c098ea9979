#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may include whom in lib/, as data; fails on an edge that is not in it.
A module is a directory; the header that others see has the directory's name.
doc/architecture.md prints the same table: --table writes it."""
import os
import re
import sys

# module: (level, what it is, modules it may include besides base)
MODULES = {
    "base": (0, "status, checked sizes, heap, buffers", []),
    "os": (1, "files, threads, clock: all that differs by system", []),
    "text": (1, "UTF-8 and character classes", []),
    "cpu": (1, "what the processor can do", []),
    "json": (2, "JSON as a list of nodes", ["text"]),
    "kernels": (2, "the arithmetic, as pure functions", ["cpu"]),
    "pool": (2, "worker threads and barriers", ["os"]),
    "formats": (3, "model files to named tensors and metadata",
                ["os", "text", "json"]),
    "sampling": (3, "from logits to a token", ["os", "kernels"]),
    "tokenizer": (4, "text to token ids and back", ["text", "formats"]),
    "quantize": (4, "weights to other types, and the file of them",
                 ["os", "cpu", "formats", "kernels", "pool"]),
    "model": (5, "hyper-parameters and weights",
              ["os", "text", "formats", "kernels", "pool", "tokenizer",
               "quantize"]),
    "chat": (5, "messages to prompts",
             ["text", "json", "formats", "tokenizer"]),
    "engine": (6, "the forward pass and its cache",
               ["os", "formats", "kernels", "pool", "tokenizer", "model"]),
    "session": (7, "a conversation: input, generation, events",
                ["os", "text", "formats", "kernels", "pool", "tokenizer",
                 "model", "sampling", "chat", "engine"]),
    "api": (8, "the functions of phial.h", ["*"]),
}


def includes(path):
    with open(path, encoding="utf-8") as f:
        return re.findall(r'^#include "([^"]+)"', f.read(), re.M)


def problems(root):
    lib = os.path.join(root, "lib")
    for module in sorted(os.listdir(lib)):
        folder = os.path.join(lib, module)
        if not os.path.isdir(folder):
            continue
        if module not in MODULES:
            yield f"lib/{module} is not in the table of levels"
            continue
        allowed = MODULES[module][2]
        for name in sorted(os.listdir(folder)):
            if not name.endswith((".c", ".h")):
                continue
            for target in includes(os.path.join(folder, name)):
                other, _, header = target.partition("/")
                where = f"lib/{module}/{name} includes {target}"
                if other not in MODULES:
                    yield f"{where}: write it from lib/, as module/header.h"
                elif other == module or "*" in allowed:
                    continue
                elif other != "base" and other not in allowed:
                    yield f"{where}: {module} may not use {other}"
                elif other != "base" and header != other + ".h":
                    yield f"{where}: private to {other}"


def levels_rise():
    for name, (level, _, allowed) in MODULES.items():
        for other in allowed:
            if other != "*" and MODULES[other][0] >= level:
                yield f"the table lets {name} include {other}, not below it"


def table():
    rows = ["| level | module | what it is | may use |",
            "| --- | --- | --- | --- |"]
    for name, (level, what, allowed) in MODULES.items():
        uses = {"*": "everything"}.get(allowed[0] if allowed else "",
                                       ", ".join(["base"] + allowed))
        rows.append(f"| {level} | `{name}` | {what} | "
                    f"{uses if level else ''} |")
    return "\n".join(rows)


def main(arguments):
    if arguments == ["--table"]:
        print(table())
        return 0
    root = arguments[0]
    bad = list(levels_rise()) + list(problems(root))
    document = os.path.join(root, "doc/architecture.md")
    with open(document, encoding="utf-8") as f:
        if table() not in f.read():
            bad.append("doc/architecture.md does not hold this table; "
                       "see --table")
    print("\n".join(bad) or "every include is in the table")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
