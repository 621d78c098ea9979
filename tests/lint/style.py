#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a compiler does not see: unique file names, sizes of files and
functions, licence tags, whitespace, words and calls we do not use.
Argument: source root."""
import os
import re
import subprocess
import sys

MAX_FILE = 400  # lines; the public header and generated tables excepted
MAX_FUNCTION = 60
EXEMPT = {"phial.h", "unicode_table.c", "_ffi.py", "ffi.rs", "phial.abi", "phial.map"}
COMMON_NAMES = {"meson.build", "README.md", "requirements.txt", "__init__.py"}
TEXT = (".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".rs", ".1")

# In lib/: calls that end, print or reach outside, and fences, which
# ThreadSanitizer does not see.
BANNED = re.compile(
    r"\b(abort|exit|_exit|assert|printf|puts|getenv|setlocale|signal|strtol|"
    r"strtoul|strtod|atoi|atof|strcpy|strcat|sprintf|gets|alloca|"
    r"atomic_thread_fence)\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files"], check=True,
                         capture_output=True, text=True).stdout
    return out.splitlines()


def long_functions(lines):
    """Function bodies open and close with a brace in column one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > MAX_FUNCTION:
                yield start, number - start - 1
            start = None


def code_only(text):
    """Comments and strings blanked out, line numbers kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text,
                  flags=re.S)


def check_text(path, text):
    if text and not text.endswith("\n"):
        yield "no newline at the end"
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"{number}: trailing blanks"
        if "\t" in line and not path.endswith((".1", ".json")):
            yield f"{number}: tab"
        if UNFINISHED.search(line):
            yield f"{number}: unfinished by its own words"


def check_source(path, text):
    lines = text.splitlines()
    name = os.path.basename(path)
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:3]):
        yield "no SPDX licence line at the top"
    if name not in EXEMPT and len(lines) > MAX_FILE:
        yield f"{len(lines)} lines, more than {MAX_FILE}"
    for start, length in long_functions(lines):
        yield f"{start}: function of {length} lines, over {MAX_FUNCTION}"
    if path.startswith("lib/"):
        for number, line in enumerate(code_only(text).splitlines(), 1):
            for call in BANNED.findall(line):
                yield f"{number}: {call}() has no place in the library"


def main(root):
    bad, seen = [], {}
    for path in tracked(root):
        name = os.path.basename(path)
        if name in seen and name not in COMMON_NAMES and path.endswith(
                (".c", ".h", ".py", ".sh")):
            bad.append(f"{path}: same name as {seen[name]}")
        seen[name] = path
        if not path.endswith(TEXT) or name in EXEMPT:
            continue
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text = f.read()
        found = list(check_text(path, text))
        if path.endswith((".c", ".h")):
            found += check_source(path, text)
        bad += [f"{path}:{what}" for what in found]
    print("\n".join(bad) or f"{len(seen)} names, nothing to complain about")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
