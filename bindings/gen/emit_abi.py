# SPDX-License-Identifier: MIT
"""The ABI as text, one fact a line, and the check that a new header keeps
every fact of an old one. abidiff cannot replace it: debug information carries
no enum constant that an interface does not mention."""


def c_type(kind):
    text = kind.base
    for depth, const in enumerate(reversed(kind.pointers)):
        if const:
            text = f"const {text}" if depth == 0 else f"{text}const"
        text += " *" if depth == 0 else "*"
    return text


def params(item):
    return ", ".join(c_type(p.type) for p in item.params)


def dump(header):
    lines = [f"const {c.name} = {c.value}" for c in header.constants]
    lines += [f"handle {name}" for name in header.handles]
    lines += [f"alias {a.name} = {c_type(a.type)}" for a in header.aliases]
    lines += [f"callback {c_type(c.result)} {c.name}({params(c)})"
              for c in header.callbacks]
    lines += [f"function {c_type(f.result)} {f.name}({params(f)})"
              for f in header.functions]
    for s in header.structs:
        fields = " ".join(f"{c_type(f.type)} {f.name};" for f in s.fields)
        lines.append(f"struct {s.name} {{ {fields} }}")
    return sorted(lines)


def broken(old, new):
    """The facts of old that no longer hold. A struct may have grown at its
    end; everything else must be there unchanged."""
    kept = set(new)

    def holds(fact):
        if fact in kept:
            return True
        return fact.startswith("struct ") and any(
            line.startswith(fact[:-1]) for line in new)

    return [fact for fact in old if not holds(fact)]


def symbols(header):
    return sorted(f.name for f in header.functions)


def version_script(header, node):
    names = "".join(f"    {name};\n" for name in symbols(header))
    return f"{node} {{\n  global:\n{names}  local: *;\n}};\n"


def layout_asserts(header, layouts):
    """A C file that compiles only if the compiler's layout of each struct is
    the one that ctypes computed: layouts maps struct to (size, offsets)."""
    lines = ["/* Generated at test time: the layouts ctypes computed. */",
             "#include <phial/phial.h>", "#include <stddef.h>", ""]
    for s in header.structs:
        size, offsets = layouts[s.name]
        lines.append(f'_Static_assert(sizeof({s.name}) == {size}, "{s.name}");')
        lines += [
            f"_Static_assert(offsetof({s.name}, {name}) == {offset}, "
            f'"{s.name}.{name}");' for name, offset in offsets.items()]
    return "\n".join(lines + ["int phial_layouts_agree;", ""])
