# SPDX-License-Identifier: MIT
"""libphial.3: the generated part of the page about the library, that is the
functions with the first sentence of their comments, and an example that the
build compiles. The rest of the page is written by hand."""
import re

SECTION = re.compile(r"/\* ---- (.+?) -+ \*/")
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)
FUNCTION = re.compile(
    r"PHIAL_API\s+([\w ]+[ *]+)(phial_\w+)\(([^;]*)\);", re.S)


def troff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def first_sentence(comment):
    words = re.sub(r"\s*\n \* ?", " ", comment).split()
    text = " ".join(words)
    return re.split(r"(?<=\.) ", text)[0]


def blocks(text):
    """(section, comment, names of the functions that it stands before), in
    order. What stands on lines of its own between two functions is the comment
    of the second one; without any, the two share theirs."""
    section, comment, found = "", "", []
    token = re.compile(
        f"{SECTION.pattern}|^{COMMENT.pattern}|^{FUNCTION.pattern}",
        re.S | re.M)
    for match in token.finditer(text):
        title, words, _, name, _ = match.groups()
        if title:
            section, comment = title, ""
        elif words is not None:
            comment = words
        elif found and comment == found[-1][3] and section == found[-1][0]:
            found[-1][2].append(name)
        else:
            found.append((section, first_sentence(comment), [name], comment))
    return found


def functions(text):
    out, last = "", ""
    for section, sentence, names, _ in blocks(text):
        if section != last:
            out += f".SS {troff(section)}\n"
            last = section
        # Releasing is the same everywhere: RETURN VALUE tells it once.
        shown = [n for n in names if not n.endswith("_free")] or names
        for number, name in enumerate(shown):
            out += f"{'.TQ' if number else '.TP'}\n.BR {name} ()\n"
        freed = [n for n in names if n not in shown]
        out += troff(sentence) + "\n"
        if freed:
            released = " and ".join(f"\\fB{name}\\fR()" for name in freed)
            out += f"Released with {released}.\n"
    return out


def example(text):
    return ".PP\n.EX\n" + "".join(
        troff(line) + "\n" for line in text.splitlines()) + ".EE\n"


def replace(page, name, text):
    pattern = rf'(\.\\" begin {name}\n).*?(\.\\" end {name}\n)'
    if not re.search(pattern, page, re.S):
        raise SystemExit(f"libphial.3 has no place for {name}")
    return re.sub(pattern, lambda m: m.group(1) + text + m.group(2), page,
                  flags=re.S)


def emit(page, header, program):
    """The page with its generated parts made from the texts of phial.h and of
    the example."""
    page = replace(page, "functions", functions(header))
    return replace(page, "example", example(program))
