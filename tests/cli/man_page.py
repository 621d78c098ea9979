#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man page holds what the program's help texts say. Arguments: the
program, the page, and --update to write it instead of comparing."""
import re
import subprocess
import sys


def help_text(program, *arguments):
    return subprocess.run([program, *arguments, "--help"], check=True,
                          capture_output=True, text=True).stdout


def command_names(program):
    listed = help_text(program).split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def parse(text):
    """Usage, description, and (title, [(option, help)]) per group."""
    blocks = text.split("\n\n")
    usage = blocks[0].removeprefix("usage: ")
    groups = []
    for block in blocks[2:]:
        title, _, rest = block.partition(":\n")
        if title in ("Help", "") or title.startswith("Exit codes"):
            continue
        entries = []
        for line in rest.splitlines():
            if line.startswith("  -"):
                option, _, words = line.strip().partition("  ")
                entries.append([option, words.strip()])
            else:
                entries[-1][1] = (entries[-1][1] + " " + line.strip()).strip()
        groups.append((title, [tuple(entry) for entry in entries]))
    return usage, " ".join(blocks[1].split()), groups


def troff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def entry(option, words):
    parts = option.split(" ")
    bold = [p for p in parts if p.startswith("-")]
    rest = [p for p in parts if not p.startswith("-")]
    head = " ".join(f"\\fB{troff(p)}\\fR" for p in bold)
    head += "".join(f" \\fI{troff(p)}\\fR" for p in rest)
    return f".TP\n{head}\n{troff(words)}\n"


def sections(program):
    commands = ""
    groups_of = {}
    for name in command_names(program):
        usage, about, groups = parse(help_text(program, name))
        commands += f".SS {troff(usage)}\n{troff(about)}\n"
        own, shared = groups[:1], groups[1:]
        commands += "".join(entry(*e) for _, es in own for e in es)
        if shared:
            titles = ", ".join(title for title, _ in shared)
            commands += f".PP\nIt also takes the options under {titles}.\n"
        for title, entries in shared:
            if groups_of.setdefault(title, entries) != entries:
                raise SystemExit(f"two commands have different {title} options")
    shared = "".join(
        f".SS {title}\n" + "".join(entry(*e) for e in entries)
        for title, entries in groups_of.items())
    return {"commands": commands, "shared": shared}


def replace(page, name, text):
    pattern = rf'(\.\\" begin {name}\n).*?(\.\\" end {name}\n)'
    if not re.search(pattern, page, re.S):
        raise SystemExit(f"the page has no place for {name}")
    return re.sub(pattern, lambda m: m.group(1) + text + m.group(2), page,
                  flags=re.S)


def main(program, path, *mode):
    with open(path, encoding="utf-8") as f:
        page = f.read()
    wanted = page
    for name, text in sections(program).items():
        wanted = replace(wanted, name, text)
    if mode == ("--update",):
        with open(path, "w", encoding="utf-8") as f:
            f.write(wanted)
    elif page != wanted:
        raise SystemExit(f"{path} differs from the help texts: run this "
                         "script with --update")


if __name__ == "__main__":
    main(*sys.argv[1:])
